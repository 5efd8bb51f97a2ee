import type { EventSpec, ThreadSpec } from './spec.ts';

/** An event without its time: it is stamped with the clock's now. */
export type NewEvent = EventSpec extends infer E ? (E extends EventSpec ? Omit<E, 'created_at'> : never) : never;

/** Who or what closes a thread. */
export type Closer = 'agent' | 'visitor' | 'disconnection' | 'inactivity';

/**
 * The system message with which LiveChat closes a thread (LiveChat developer docs, 'System messages').
 *
 * @param spec names the agent and the visitor
 * @param closer who or what closed it
 * @returns the event without its time
 */
export function closingMessage(spec: Pick<ThreadSpec, 'agents' | 'customer'>, closer: Closer): NewEvent {
  const agent = spec.agents.at(-1)?.name ?? 'Agent';
  const customer = spec.customer?.name ?? 'Visitor';
  const start = { type: 'system_message', visibility: 'all' } as const;
  switch (closer) {
    case 'agent':
      return {
        ...start,
        system_message_type: 'manual_archived_agent',
        text: `${agent} archived the chat`,
        text_vars: { agent },
      };
    case 'visitor':
      return {
        ...start,
        system_message_type: 'manual_archived_customer',
        text: `${customer} archived the chat`,
        text_vars: { customer },
      };
    case 'disconnection':
      return {
        ...start,
        system_message_type: 'archived_customer_disconnected',
        text: `${customer} left the chat`,
        text_vars: { customer },
      };
    case 'inactivity':
      return {
        ...start,
        system_message_type: 'routing.archived_inactive',
        text: 'Chat archived due to 30 minutes of inactivity',
        text_vars: { duration: '30' },
      };
  }
}

/**
 * The system message about an agent's correction of the profile. LiveChat names the address `customer_email` when it was
 * changed alone, and `customers_email` when name and address were changed together (its docs, 'System messages').
 *
 * @param initiator the agent's name
 * @param change the new name, address, or both
 * @returns the event without its time; undefined where neither is text
 */
export function correctionMessage(
  initiator: string,
  change: { name?: string | undefined; email?: string | undefined },
): NewEvent | undefined {
  const { name, email } = change;
  const start = { type: 'system_message', system_message_type: 'customer_updated', visibility: 'agents' } as const;
  if (name !== undefined && email !== undefined) {
    return {
      ...start,
      text: `${initiator} has changed customer's name and email to ${name}, ${email}`,
      text_vars: { initiator, customer_name: name, customers_email: email },
    };
  }
  if (email !== undefined) {
    return {
      ...start,
      text: `${initiator} has changed customer's email to ${email}`,
      text_vars: { initiator, customer_email: email },
    };
  }
  if (name !== undefined) {
    return {
      ...start,
      text: `${initiator} has changed customer's name to ${name}`,
      text_vars: { initiator, customer_name: name },
    };
  }
  return undefined;
}

/**
 * The system messages about a visitor's rating, and their comment (LiveChat developer docs, 'System messages').
 *
 * @param spec names the visitor
 * @param score 1 for good, 0 for bad
 * @param comment the visitor's words, if any
 * @returns one or two events without their time
 */
export function ratingMessages(
  spec: Pick<ThreadSpec, 'customer'>,
  score: 0 | 1,
  comment: string | undefined,
): NewEvent[] {
  const customer = spec.customer?.name ?? 'Visitor';
  const word = score === 1 ? 'good' : 'bad';
  const start = { type: 'system_message', visibility: 'all' } as const;
  const rated: NewEvent = {
    ...start,
    system_message_type: 'rating.chat_rated',
    text: `${customer} rated the chat as ${word}`,
    text_vars: { customer, score: word },
  };
  if (comment === undefined) return [rated];
  return [
    rated,
    {
      ...start,
      system_message_type: 'rating.chat_commented',
      text: `${customer} left the following comment: ${comment}`,
      text_vars: { customer, comment },
    },
  ];
}
