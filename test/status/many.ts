import { sql } from 'kysely';
import type { Database } from '../../services/shared/store/database.ts';
import { SCHEMA } from '../postgres/schema-name.ts';

export type Many = { threads: number; runs: number; errors: number; calls: number };

/**
 * Fills the tables as years of hourly runs would: most threads synced, a fifth ignored, a few of every other state; calls
 * spread over thirty days; errors that were told, but for the last hundred. Made in Postgres, and analysed.
 */
export async function fillLedger(db: Database, { threads, runs, errors, calls }: Many): Promise<void> {
  const statements = [
    `insert into run (job, trigger, name, started_at, heartbeat_at, finished_at, outcome, window_from, window_to, counts)
     select case when n % 25 = 0 then 'digest' else 'sync' end, 'schedule', 'sync-' || n, at, at + interval '90 s', at + interval '90 s',
       case when n % 50 = 7 then 'failed' else 'done' end, at - interval '25 h', at - interval '10 min',
       jsonb_build_object('seen', n % 300, 'created', n % 70, 'updated', n % 40, 'unchanged', n % 190, 'refused', n % 3, 'lookupCalls', 1, 'writeCalls', 2)
     from (select n, now() - (${runs} - n) * interval '1 hour' - interval '5 min' as at from generate_series(1, ${runs}) n) made`,
    `insert into chat_thread (thread_id, chat_id, email, started_at, ended_at, state, attempts, content_hash, visitor, reason, lead_id, first_seen_at, updated_at, run_id)
     select 'thread-' || n, 'chat-' || n, 'visitor' || n % 50000 || '@example.com', at, at + interval '10 min', state,
       case when state = 'dead' then 8 else 1 end, md5(n::text), case when state = 'ready' or n > ${threads} * 0.97 then '{"visitor": {}}'::jsonb end,
       case state when 'ignored' then (array['no-address', 'spam', 'own-domain'])[1 + n % 3] when 'dead' then 'lead-refused 1003 phone' end,
       n, at, at, 1 + n % ${runs}
     from (select n, now() - (${threads} - n) * (interval '${runs} hours' / ${threads}) as at,
       case when n % 20000 = 1 then 'dead' when n > ${threads} - 40 then 'ready' when n > ${threads} - 60 then 'open' when n % 5 = 0 then 'ignored' else 'synced' end as state
       from generate_series(1, ${threads}) n) made`,
    `insert into digest (local_date, state, message_id, recipients, error_count, mail) values ('2026-01-01', 'sent', 'x', '[]', 1, '{}')`,
    `insert into sync_error (run_id, at, stage, code, subject, message, thread_id, fingerprint, digest_id)
     select 1 + (n::bigint * ${runs} / ${errors + 1}), now() - (${errors} - n) * interval '5 min', 'deliver',
       (array['lead-refused', 'field-refused', 'lead-conflict', 'run-failed', 'lead-duplicates'])[1 + n % 5], '', 'An error.', 'thread-' || n, 'f' || n % 5,
       case when n <= ${errors} - 100 then 1 end
     from generate_series(1, ${errors}) n`,
    `insert into marketo_call (run_id, instance, endpoint, outcome, sent_at, answered_at, http_status, request_id, records, waited_ms)
     select 1 + (n::bigint * ${runs} / ${calls + 1}), 'instance', case when n % 500 = 0 then 'usage' else (array['leads-lookup', 'leads-create', 'leads-update'])[1 + n % 3] end,
       case when n % 700 = 0 then 'throttled' else 'ok' end, at, at + interval '400 ms', 200, 'r' || n, 300, 12
     from (select n, now() - (${calls} - n) * (interval '30 days' / ${calls}) as at from generate_series(1, ${calls}) n) made`,
    `insert into lead_change (run_id, thread_id, lead_id, action, changes, at)
     select 1 + n % ${runs}, 'thread-' || n, n, 'updated', '[{"field": "city", "from": null, "to": "x", "rule": "location"}]', now() - interval '1 day'
     from generate_series(1, ${Math.floor(threads / 5)}) n`,
    `insert into limit_state (instance, cap, calls_per_window, window_ms, concurrency) values ('instance', 50, 50, 20000, 5)`,
    `insert into slot (instance, kind, id, free_at) select 'instance', kind, n, now() + interval '1 day' from (values ('rate', 50), ('in-flight', 5)) kinds (kind, size), generate_series(1, size) n`,
    `insert into marketo_day (instance, day, calls) select 'instance', to_char(now() - n * interval '1 day', 'YYYY-MM-DD'), 2000 + n * 37 % 900 from generate_series(0, 400) n`,
    `insert into watermark (stream, position, run_id) values ('livechat', now() - interval '15 min', ${runs})`,
  ];
  await db.connection().execute(async (connection) => {
    await sql.raw(`set search_path to ${SCHEMA}`).execute(connection);
    for (const statement of statements) await sql.raw(statement).execute(connection);
    // As autovacuum does in time: it also says which pages an index alone can answer for.
    await sql.raw('vacuum analyze').execute(connection);
    await sql.raw('reset search_path').execute(connection);
  });
}
