/** The schema of all test databases; in a file of its own, for processes that are not vitest's. */
export const SCHEMA = 'livechat_marketo';
