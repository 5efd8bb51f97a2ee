import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'make-image-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('make image says so where no Docker daemon answers', () => {
  const { status, stderr } = spawnSync('make', ['image'], {
    encoding: 'utf8',
    env: { ...process.env, DOCKER_HOST: `unix://${folder}/none.sock` },
  });
  expect(status).not.toBe(0);
  expect(stderr).toContain('make image needs a Docker daemon, and none answers here');
});

test('an image of less than 150 MB is told with its size, one of 150 MB is refused', () => {
  expect(sizeOf(['20900000', '122487679', '0', '1532093'])).toMatchObject({
    status: 0,
    stdout: 'name:1 is 144.9 MB (less than 150 MB, as it has to be).\n',
  });
  expect(sizeOf(['149999999']).status).toBe(0);
  expect(sizeOf(['149999999', '1'])).toMatchObject({
    status: 1,
    stdout: '',
    stderr:
      'name:1 is 150.0 MB, and has to be less than 150 MB. docker history name:1 tells which layer is to blame.\n',
  });
});

/** With the layers that Docker would tell of an image; a real one needs a daemon. */
function sizeOf(layers: readonly string[]) {
  const docker = join(folder, 'docker');
  writeFileSync(docker, `#!/bin/sh\nprintf '%s\\n' ${layers.join(' ')}\n`);
  chmodSync(docker, 0o755);
  return spawnSync('sh', ['image/size.sh', 'name:1'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${folder}:${process.env['PATH']}` },
  });
}
