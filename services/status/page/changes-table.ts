import { z } from 'zod';
import type { Instant } from '../../shared/runtime/instant.ts';
import type { Viewer } from '../access.ts';
import { type Html, html, type Part } from './html.ts';
import { time, value } from './parts.ts';

/** One field of one lead, as the audit trail has it. */
const change = z.object({
  field: z.string(),
  from: z.unknown(),
  to: z.unknown(),
  rule: z.string(),
  mode: z.string().optional(),
});
export type FieldChange = z.infer<typeof change>;

/** The changes of one write; none where they were erased with the visitor's data. */
export function fieldChanges(stored: unknown): FieldChange[] {
  return z.array(change).safeParse(stored).data ?? [];
}

export type Written = { at: Instant; action: string; leadId: number | null; changes: unknown };

/**
 * What was written, field by field.
 *
 * @param column a column of the caller's own, before the others: its title, and its content for a write.
 */
export function changesTable<T extends Written>(
  written: readonly T[],
  caption: Html,
  column: { title: string; of: (write: T) => Part },
  now: Instant,
  viewer: Viewer,
): Html {
  return html`<div class="caption" id="changes-table-1">${caption}</div>
<table class="cards list" role="table" aria-labelledby="changes-table-1">
<thead role="rowgroup"><tr role="row">
<th role="columnheader" scope="col">${column.title}</th>
<th role="columnheader" scope="col">At</th>
<th role="columnheader" scope="col">Lead</th>
<th role="columnheader" scope="col">Fields: from → to, by which rule</th>
</tr></thead>
<tbody role="rowgroup">
${written.map((write) => {
  const fields = fieldChanges(write.changes);
  return html`<tr role="row">
<th role="rowheader" scope="row">${column.of(write)}</th>
<td role="cell" data-label="At">${time(write.at, now)}</td>
<td role="cell" data-label="Lead">${write.action} ${write.leadId ?? ''}</td>
<td role="cell" class="words" data-label="Fields">${
    fields.length === 0
      ? html`<span class="hint">The values are not kept any more.</span>`
      : html`<ul class="fields">${fields.map(
          (each) =>
            html`<li><code>${each.field}</code> ${value(each.from, viewer)} → ${value(each.to, viewer)} <span class="hint">${each.rule}${each.mode && ` (${each.mode})`}</span></li>`,
        )}</ul>`
  }</td>
</tr>
`;
})}
</tbody>
</table>`;
}
