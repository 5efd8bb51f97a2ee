import type { FormField } from '../livechat/spec.ts';
import type { NewEvent } from '../livechat/systemMessages.ts';
import type { Random } from '../random.ts';
import type { Topic } from './conversations.ts';
import type { Person } from './people.ts';
import type { Proportions } from './proportions.ts';

/**
 * A filled pre-chat form. Sites set up their own: which questions it has, their labels and language differ.
 *
 * @param random decides which form it is
 * @param person who fills it in
 * @param about the name and address as written into it (an address may be empty), and what the chat is about
 * @param share how often what occurs
 * @param author the customer's id
 * @returns the event without its time, and whether it is of the kind without form_type
 */
export function preChatForm(
  random: Random,
  person: Person,
  about: { name: string | undefined; email: string; topic: Topic },
  share: Proportions,
  author: string,
): { event: NewEvent; old: boolean } {
  const { labels } = person.phrases;
  const numeric = random.chance(share.numericAnswerIds);
  const choice = (id: number, label: string) => ({ id: numeric ? id : String(id), label });
  const old = random.chance(share.oldForm);
  const questions: Record<string, () => FormField[]> = {
    // Field ids belong to the form's set-up: the same in every chat.
    '1473433500211': () => [
      { type: 'question', id: '154417206262602571', label: labels.company, answer: person.company },
      { type: 'select', id: '154417206262602990', label: labels.size, answer: choice(...random.pick(TEAM_SIZES)) },
      { type: 'checkbox', id: '154417206262604640', label: labels.interests, answers: interests(random, choice) },
    ],
    '1473433500212': () => [
      { type: 'radio', id: '154417206262607001', label: labels.topic, answer: choice(1, about.topic.label) },
      {
        type: 'textarea',
        id: '154417206262607002',
        label: labels.question,
        answer: random.chance(0.7) ? (about.topic.visitor[0] ?? '') : '',
      },
    ],
    '1473433500213': () => [
      { type: 'subject', id: '154417206262609001', label: labels.topic, answer: about.topic.label },
      {
        type: 'group_chooser',
        id: '154417206262609002',
        label: 'Choose department',
        answer: { ...choice(2, 'Support'), group_id: 2 },
      },
    ],
  };
  // A company name of any interest is only told to the form that asks for it.
  const formId = person.kinds.includes('long-company') ? '1473433500211' : random.pick(Object.keys(questions));
  const nameField: FormField = {
    type: 'name',
    id: '154417206262603539',
    label: labels.name,
    ...(about.name === undefined ? {} : { answer: about.name }),
  };
  const emailField: FormField = { type: 'email', id: '154417206262601584', label: labels.email, answer: about.email };
  return {
    old,
    event: {
      type: 'filled_form',
      author_id: author,
      visibility: 'all',
      form_id: formId,
      ...(old ? { properties: { lc2: { form_type: 'prechat' } } } : { form_type: 'prechat' }),
      fields: [nameField, emailField, ...(questions[formId]?.() ?? [])],
    },
  };
}

/**
 * The form by which a bot asks for the address in the middle of a chat.
 *
 * @param person who fills it in
 * @param email the answer
 * @param author the customer's id
 */
export function askForEmailForm(person: Person, email: string, author: string): NewEvent {
  return {
    type: 'filled_form',
    author_id: author,
    visibility: 'all',
    form_id: '1519398831002',
    form_type: 'ask_for_email',
    fields: [{ type: 'email', id: '151939883100201', label: person.phrases.labels.email, answer: email }],
  };
}

/**
 * A filled post-chat form, which comes after the thread's end.
 *
 * @param random decides the answers
 * @param person who fills it in
 * @param email the answer to the form's question for an address, undefined where it does not ask
 * @param author the customer's id
 */
export function postChatForm(random: Random, person: Person, email: string | undefined, author: string): NewEvent {
  const solved = random.chance(0.75);
  const fields: FormField[] = [
    {
      type: 'radio',
      id: '154417206262701001',
      label: 'Did we solve your problem?',
      answer: { id: solved ? '0' : '1', label: solved ? 'Yes' : 'No' },
    },
    {
      type: 'textarea',
      id: '154417206262701002',
      label: 'Anything else?',
      answer: random.chance(0.3) ? 'No, all good' : '',
    },
  ];
  if (email !== undefined) {
    fields.push({ type: 'email', id: '154417206262701003', label: person.phrases.labels.email, answer: email });
  }
  return {
    type: 'filled_form',
    author_id: author,
    visibility: 'all',
    form_id: '1473433500299',
    form_type: 'postchat',
    fields,
  };
}

const TEAM_SIZES: readonly [number, string][] = [
  [0, '1–9'],
  [1, '10–49'],
  [2, '50–249'],
  [3, '250+'],
];

const INTERESTS = ['Inventory', 'Scanners', 'Integrations', 'Reporting'];

function interests<T>(random: Random, choice: (id: number, label: string) => T): T[] {
  return INTERESTS.flatMap((label, id) => (random.chance(0.4) ? [choice(id, label)] : []));
}
