/**
 * Every error that this system logs: its stage, how bad it is, what it means and what to do, in the words that the
 * digest and the status page show. docs/runbook.md has a heading for each (a test holds both together).
 */
export const CATALOGUE = {
  'lead-refused': {
    stage: 'deliver',
    severity: 'error',
    says: 'Marketo refused a lead because of one of its values.',
    todo: 'Look up the field in the error: correct the value in LiveChat, or the rule that sends it. The thread is tried again by later runs.',
  },
  'field-refused': {
    stage: 'deliver',
    severity: 'warning',
    says: 'Marketo refused the value of a field; the lead was written without it.',
    todo: 'Look up the field in the error: correct the value in LiveChat, or the rule that sends it.',
  },
  'lead-conflict': {
    stage: 'deliver',
    severity: 'error',
    says: 'Marketo says that a lead both exists and does not exist.',
    todo: 'Look for leads with the same address in other partitions, or a custom deduplication rule, in Marketo. The thread is tried again by later runs.',
  },
  'lead-duplicates': {
    stage: 'deliver',
    severity: 'warning',
    says: 'Several leads in Marketo have one address; the most recently updated one was written to.',
    todo: 'Merge the leads in Marketo.',
  },
  'thread-dead': {
    stage: 'deliver',
    severity: 'error',
    says: 'A thread was given up after its last attempt.',
    todo: 'Look at the thread’s earlier errors and mend their cause. When anything changes in the thread (a tag in LiveChat, say), it is tried again.',
  },
  'marketo-answer': {
    stage: 'deliver',
    severity: 'error',
    says: 'Marketo answered something that its documentation does not know.',
    todo: 'If it goes on, ask Marketo’s support with the call’s request id, which the table marketo_call has.',
  },
  'marketo-unreachable': {
    stage: 'deliver',
    severity: 'error',
    says: 'Marketo could not be reached, or failed, even when asked again.',
    todo: 'Nothing, if it was once: the next run goes on. Else see Marketo’s status page and the network’s way out of the cluster.',
  },
  'marketo-throttled': {
    stage: 'deliver',
    severity: 'warning',
    says: 'Marketo’s shared rate limit was used up by others, and did not free itself in time.',
    todo: 'Find the other integration that uses the limit, or lower MARKETO_CALLS_PER_WINDOW.',
  },
  'marketo-quota': {
    stage: 'deliver',
    severity: 'error',
    says: 'The day’s calls are used up: Marketo’s quota, or the part of it that this product may use.',
    todo: 'Nothing: the first run after midnight US Central goes on. If it happens again, find what uses the quota in Admin, Web Services, or raise MARKETO_DAILY_CALLS.',
  },
  'marketo-credentials': {
    stage: 'deliver',
    severity: 'critical',
    says: 'Marketo refused the client id, its secret or its permissions.',
    todo: 'Check MARKETO_CLIENT_ID, MARKETO_CLIENT_SECRET, the API role’s permissions and the allowlist of addresses.',
  },
  'marketo-configuration': {
    stage: 'deliver',
    severity: 'critical',
    says: 'Marketo refused a call because of how it was set up.',
    todo: 'Check MARKETO_ENDPOINT and the fields that the rules name.',
  },
  'lead-field-gone': {
    stage: 'deliver',
    severity: 'error',
    says: 'Marketo no longer has a lead field that the rules write or read.',
    todo: 'Bring the field back in Marketo (Admin, Field Management), or take its rule out of the rules.',
  },
  'livechat-unreachable': {
    stage: 'ingest',
    severity: 'error',
    says: 'LiveChat could not be reached, or failed, even when asked again.',
    todo: 'Nothing, if it was once: the next run reads the same time again. Else see LiveChat’s status page and the network’s way out.',
  },
  'livechat-credentials': {
    stage: 'ingest',
    severity: 'critical',
    says: 'LiveChat refused the access token or its scopes.',
    todo: 'Check LIVECHAT_ACCOUNT_ID and LIVECHAT_PAT; the token needs chats--all:ro and customers:ro, and its owner must be an active administrator.',
  },
  'livechat-answer': {
    stage: 'ingest',
    severity: 'error',
    says: 'LiveChat answered something that its documentation does not know.',
    todo: 'See the run’s log; if it goes on, ask LiveChat’s support.',
  },
  'livechat-found-short': {
    stage: 'ingest',
    severity: 'warning',
    says: 'LiveChat announced more threads for a window than it then gave.',
    todo: 'Nothing, if it was once: the overlap reads the same time again for a day.',
  },
  'livechat-lag': {
    stage: 'ingest',
    severity: 'warning',
    weekly: true,
    says: 'LiveChat was last read days ago.',
    todo: 'Look at the runs since then: the schedule was suspended, or each of them failed. What LiveChat still shows of that time is read now.',
  },
  'livechat-scope': {
    stage: 'ingest',
    severity: 'warning',
    weekly: true,
    says: 'The token seems to see only some groups of LiveChat.',
    todo: 'Check that the token has the scope chats--all:ro, not chats--access:ro. If these groups just have no chats, nothing is to be done.',
  },
  'livechat-history-cut': {
    stage: 'ingest',
    severity: 'warning',
    weekly: true,
    says: 'LiveChat’s plan does not show the whole of the time that was asked for.',
    todo: 'A larger plan shows more; what it does not show cannot be synced. Read LiveChat again before its history ends, not after.',
  },
  'livechat-missed': {
    stage: 'ingest',
    severity: 'error',
    says: 'An audit found threads that no run had taken in; it took them in.',
    todo: 'Audit the days around it too, and report it with the run’s log.',
  },
  'livechat-version': {
    stage: 'ingest',
    severity: 'warning',
    says: 'LiveChat announces the end of the API version that is used.',
    todo: 'Upgrade this product before the date in the message.',
  },
  'rules-invalid': {
    stage: 'run',
    severity: 'critical',
    says: 'The rules do not hold.',
    todo: 'Correct the rules at the lines in the message; `npm run rules -- check FILE` tells the same before a run.',
  },
  'run-lost': {
    stage: 'run',
    severity: 'warning',
    says: 'A run died without a word.',
    todo: 'Nothing, if it was once: its work was done again. Else see what kills it: the memory limit, the Job’s deadline, a node that goes away.',
  },
  'run-no-turn': {
    stage: 'run',
    severity: 'warning',
    says: 'A sync did not get its turn, or lost it to another one.',
    todo: 'Nothing: the work was left to the other one. Start it again if it was to do something of its own.',
  },
  'run-failed': {
    stage: 'run',
    severity: 'error',
    says: 'A run was ended by something unforeseen.',
    todo: 'See the run’s log, and report it.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type CatalogueEntry = {
  readonly stage: 'ingest' | 'deliver' | 'run';
  readonly severity: 'warning' | 'error' | 'critical';
  /** One sentence: what happened. */
  readonly says: string;
  /** What its reader should do. */
  readonly todo: string;
  /** Set where it is about a state that lasts: it is then logged once a week, not by every run. */
  readonly weekly?: true;
};

export type ErrorCode = keyof typeof CATALOGUE;

/** The catalogue's entry for a code that was read back from the database, where an older version may have written it. */
export function catalogueEntry(code: string): CatalogueEntry | undefined {
  return Object.hasOwn(CATALOGUE, code) ? CATALOGUE[code as ErrorCode] : undefined;
}
