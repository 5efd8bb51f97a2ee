import { createHash } from 'node:crypto';
import { ICON } from './icon.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

/** The pages' files. `href` is how a page names one: with its hash, so that it may be kept for ever. */
export const ASSETS = {
  style: asset('/assets/style.css', 'text/css; charset=utf-8', STYLE),
  script: asset('/assets/page.js', 'text/javascript; charset=utf-8', SCRIPT),
  icon: asset('/assets/icon.svg', 'image/svg+xml', ICON),
};

function asset(path: string, type: string, content: string) {
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 12);
  return { path, type, content, etag: `"${hash}"`, href: `${path}?v=${hash}` };
}
