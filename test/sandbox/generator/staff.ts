import type { AgentSpec } from '../livechat/spec.ts';

const human = (id: string, name: string): AgentSpec => ({ id, name, email: id });

export const maya = human('maya.lindqvist@larkfield.example', 'Maya Lindqvist');
export const tom = human('tom.okafor@larkfield.example', 'Tom Okafor');
export const chiara = human('chiara.bellini@larkfield.example', 'Chiara Bellini');
export const jakub = human('jakub.wrona@larkfield.example', 'Jakub Wrona');
export const priya = human('priya.raman@larkfield.example', 'Priya Raman');

/** Bots have type agent as well, a hexadecimal id and no address. */
export const bot: AgentSpec = { id: '5c9871d5372c824cbf22d860a707a578', name: 'Fieldbot' };

/** Who answers which topic, in which group. */
export const desks: Record<string, { groupId: number; agents: readonly AgentSpec[] }> = {
  pricing: { groupId: 1, agents: [maya, priya] },
  demo: { groupId: 1, agents: [maya, priya] },
  billing: { groupId: 2, agents: [tom, jakub] },
  bug: { groupId: 2, agents: [tom, jakub, priya] },
  login: { groupId: 2, agents: [tom, jakub] },
  hardware: { groupId: 2, agents: [jakub, tom] },
  partner: { groupId: 3, agents: [chiara] },
};

/** Where everything else goes. */
export const frontDesk: { groupId: number; agents: readonly AgentSpec[] } = { groupId: 0, agents: [maya, tom, priya] };
