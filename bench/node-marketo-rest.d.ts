declare module 'node-marketo-rest' {
  type Answer = { success: boolean; result: Record<string, unknown>[] };

  /** Of the client's many calls, those that the bench makes. */
  export default class Marketo {
    constructor(options: { endpoint: string; identity: string; clientId: string; clientSecret: string });
    lead: {
      find(filterType: string, filterValues: string[], options: { fields: string[] }): PromiseLike<Answer>;
      createOrUpdate(input: Record<string, unknown>[], options: { lookupField: string }): PromiseLike<Answer>;
    };
  }
}
