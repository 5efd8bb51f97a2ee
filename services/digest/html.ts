import type { DigestView, GroupView, RecoveredView } from './email.ts';
import type { HealthView } from './silence.ts';

/**
 * The HTML part of a digest: one column that a phone shows without zooming, in the reader's light or dark colours.
 *
 * Every style is inline, because several mail readers drop style sheets; the one sheet holds only what cannot be
 * inline, the dark colours and the phone's narrower margins, and the mail reads well without it. Tables lay out what
 * Outlook would not lay out otherwise. Nothing is loaded from anywhere.
 */
export function htmlPart(view: DigestView): string {
  return `<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
<title>${escaped(view.headline)}</title>
<style>${SHEET}</style>
</head>
<body class="page" style="margin:0;padding:0;background:${LIGHT.page};color:${LIGHT.ink};-webkit-text-size-adjust:100%">
<div style="display:none;max-height:0;overflow:hidden">${escaped(view.summary)}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td class="margin" align="center" style="padding:32px 20px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:640px;text-align:left"><tr><td class="ink" style="font:16px/1.5 ${SANS};color:${LIGHT.ink}">
<p class="mute" style="margin:0 0 4px;font-size:14px;color:${LIGHT.mute}">livechat-marketo-sync &middot; ${escaped(view.day)}</p>
<h1 style="margin:0;font-size:28px;line-height:1.2;font-weight:700;letter-spacing:-0.01em">${escaped(view.headline)}</h1>
<p class="mute" style="margin:6px 0 24px;color:${LIGHT.mute}">${escaped(view.summary)}</p>
${view.silence === undefined ? '' : alarm(view.silence)}
${view.groups.map(card).join('\n')}
${view.rest === undefined ? '' : `<p style="margin:0 0 24px">${escaped(view.rest)}</p>`}
${view.recovered.length === 0 ? '' : recoveredPart(view)}
${heading('State of the sync')}
<table width="100%" cellpadding="0" cellspacing="0" border="0" style="border-collapse:collapse;font:15px/1.45 ${SANS}">
${view.health.map(healthRow).join('\n')}
</table>
${view.statusUrl === undefined ? '' : button(view.statusUrl)}
<p class="mute" style="margin:32px 0 0;font-size:13px;line-height:1.5;color:${LIGHT.mute}">${escaped(view.footer)}</p>
</td></tr></table>
</td></tr></table>
</body>
</html>
`;
}

const SANS = `-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif`;
const MONO = `ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace`;

/** Every text colour keeps a contrast of at least 4.5 to what is behind it, in both schemes. */
const LIGHT = {
  page: '#f3f4f6',
  card: '#ffffff',
  line: '#dcdfe4',
  quote: '#f3f4f6',
  ink: '#1b1f27',
  mute: '#596273',
  link: '#1d4fd7',
  alert: '#b42318',
};

const SEVERITY: Record<GroupView['severity'], { name: string; edge: string; back: string; ink: string }> = {
  critical: { name: 'Critical', edge: '#b42318', back: '#b42318', ink: '#ffffff' },
  error: { name: 'Error', edge: '#e5624e', back: '#fdebe8', ink: '#a3261a' },
  warning: { name: 'Warning', edge: '#dfa21c', back: '#fdf2d6', ink: '#7a5200' },
};

const SHEET = `
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (max-width:480px){.margin{padding:20px 12px!important}.cell{padding:14px!important}}
@media (prefers-color-scheme:dark){
.page{background:#14171c!important}
.page,.ink{color:#e9ebee!important}
.card{background:#1e2229!important}
.card,.row{border-color:#363c46!important}
.quote{background:#282d36!important}
.mute{color:#a6aebb!important}
.alert{color:#ff9d8f!important}
.button{background:#8fb2ff!important;color:#10131a!important}
.tag-critical{background:#d92d20!important}
.edge-critical{border-left-color:#f04438!important}
.tag-error{background:#4b201b!important;color:#ffb5a9!important}
.tag-warning{background:#423308!important;color:#f6cd63!important}
}
`.replaceAll('\n', '');

function card(group: GroupView): string {
  const { name, edge, back, ink } = SEVERITY[group.severity];
  const { message, threadId } = group.example;
  const source = threadId === undefined ? 'Example' : `Example, thread ${threadId}`;
  return `<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 16px;background:${LIGHT.card};border:1px solid ${LIGHT.line};border-radius:8px;border-collapse:separate"><tr><td class="cell ink edge-${group.severity}" style="padding:18px 20px;border-left:4px solid ${edge};border-radius:7px;font:15px/1.5 ${SANS};color:${LIGHT.ink}">
<p class="mute" style="margin:0;font-size:13px;color:${LIGHT.mute}"><span class="tag-${group.severity}" style="padding:2px 8px;border-radius:4px;background:${back};color:${ink};font-weight:600">${name}</span>&ensp;${standing(group)} &middot; ${escaped(group.often)}</p>
<h2 style="margin:8px 0 2px;font-size:17px;line-height:1.35;font-weight:700">${escaped(group.says)}</h2>
<p class="mute" style="margin:0 0 12px;font-size:13px;color:${LIGHT.mute}"><span style="font-family:${MONO}">${escaped(group.code)}</span><br>${escaped(group.seen)}</p>
<p class="quote" style="margin:0 0 12px;padding:10px 12px;border-radius:6px;background:${LIGHT.quote};font-size:14px;overflow-wrap:anywhere;word-break:break-word"><span class="mute" style="font-size:13px;color:${LIGHT.mute}">${escaped(source)}</span><br><bdi>${escaped(message)}</bdi></p>
<p style="margin:0"><strong>To do:</strong> ${escaped(group.todo)}</p>
</td></tr></table>`;
}

function standing(group: GroupView): string {
  const words = escaped(group.standing);
  return group.isNews ? `<strong class="ink" style="color:${LIGHT.ink}">${words}</strong>` : words;
}

function alarm({ says, todo }: NonNullable<DigestView['silence']>): string {
  const { edge } = SEVERITY.critical;
  return `<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 16px;background:${LIGHT.card};border:1px solid ${LIGHT.line};border-radius:8px;border-collapse:separate"><tr><td class="cell ink edge-critical" style="padding:18px 20px;border-left:4px solid ${edge};border-radius:7px;font:15px/1.5 ${SANS};color:${LIGHT.ink}"><p style="margin:0 0 8px">${escaped(says)}</p><p style="margin:0"><strong>To do:</strong> ${escaped(todo)}</p></td></tr></table>`;
}

function heading(text: string): string {
  return `<h2 style="margin:32px 0 8px;font-size:18px;line-height:1.3;font-weight:700">${escaped(text)}</h2>`;
}

function recoveredPart({ recovered, restOfRecovered }: DigestView): string {
  const rest =
    restOfRecovered === undefined
      ? ''
      : `<p class="mute" style="margin:8px 0 0;font-size:15px;color:${LIGHT.mute}">${escaped(restOfRecovered)}</p>`;
  return `${heading('No longer seen since the last digest')}
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="border-collapse:collapse;font:15px/1.45 ${SANS}">
${recovered.map(recoveredRow).join('\n')}
</table>${rest}`;
}

function recoveredRow({ says, code, seen }: RecoveredView): string {
  return `<tr><td class="row ink" style="padding:9px 0;border-top:1px solid ${LIGHT.line};color:${LIGHT.ink}">${escaped(says)}<br><span class="mute" style="font-size:13px;color:${LIGHT.mute}"><span style="font-family:${MONO}">${escaped(code)}</span><br>${escaped(seen)}</span></td></tr>`;
}

function healthRow({ label, value, needsAttention }: HealthView): string {
  const shown = needsAttention
    ? `<strong class="alert" style="color:${LIGHT.alert}">${escaped(value)}</strong>`
    : escaped(value);
  return `<tr><th class="row mute" scope="row" width="40%" style="padding:9px 16px 9px 0;border-top:1px solid ${LIGHT.line};text-align:left;vertical-align:top;font-weight:400;color:${LIGHT.mute}">${escaped(label)}</th><td class="row ink" style="padding:9px 0;border-top:1px solid ${LIGHT.line};vertical-align:top;color:${LIGHT.ink}">${shown}</td></tr>`;
}

function button(url: string): string {
  return `<p style="margin:28px 0 0"><a class="button" href="${escaped(url)}" style="display:inline-block;padding:11px 18px;border-radius:6px;background:${LIGHT.link};color:#ffffff;font-size:15px;font-weight:600;text-decoration:none">Open the status page</a></p>`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
