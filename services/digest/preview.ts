import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, Failure } from '../shared/runtime/failure.ts';
import type { Logger } from '../shared/runtime/log.ts';
import { previewDigest, unsentDigests } from '../shared/store/digests.ts';
import { type DigestRun, newMessageId } from './digest.ts';
import { composeEmail, isWanted } from './email.ts';
import { renderMail } from './send.ts';
import { localDate } from './times.ts';

export type Preview = Omit<DigestRun, 'smtpUrl' | 'signal' | 'retryDelays' | 'retention' | 'runName'> & {
  /** The folder that the files are written to; made where it is missing. `-` is standard output, for the page alone. */
  folder: string;
};

/**
 * Writes the mail that a digest would send now, as .html and .eml. Nothing is sent, claimed or changed: not even a run is
 * written down.
 *
 * @returns the files' names; none where the page went to standard output.
 * @throws Failure 78 where the folder cannot be written to.
 */
export async function previewMail(preview: Preview): Promise<string[]> {
  const { db, log, now, from, to, timeZone, folder } = preview;
  const contents = await previewDigest(db);
  const mail = composeEmail({ ...preview, contents });
  const would = isWanted({ ...preview, contents });
  const verdict = `nothing was sent${would ? '' : ', nor would it be: there is nothing new'}`;
  const date = localDate(now, timeZone);
  if (folder === '-') {
    process.stdout.write(mail.html);
    log.info({ errors: contents.errors }, verdict);
    await tellUnsent(preview, log);
    return [];
  }
  const bytes = await renderMail({ ...mail, from, to, messageId: newMessageId(date, from), date: now });
  const files = [
    { name: join(folder, `digest-${date}.html`), content: mail.html },
    { name: join(folder, `digest-${date}.eml`), content: bytes },
  ];
  try {
    await mkdir(folder, { recursive: true });
    for (const { name, content } of files) await writeFile(name, content);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new Failure(EXIT.configuration, `The preview cannot be written to "${folder}"${why}: name another --out.`);
  }
  const names = files.map(({ name }) => name);
  log.info({ errors: contents.errors, files: names }, `wrote ${names.join(' and ')}; ${verdict}`);
  await tellUnsent(preview, log);
  return names;
}

async function tellUnsent({ db }: Preview, log: Logger): Promise<void> {
  for (const { localDate: date } of await unsentDigests(db)) {
    log.warn({ date }, `the digest of ${date} was claimed and not sent: the next run sends it, before this one`);
  }
}
