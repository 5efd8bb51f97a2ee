import { ApiError } from './envelope.ts';
import { describe, describe2, type Field } from './fields.ts';
import type { Permission } from './identity.ts';
import type { LeadStore } from './leads.ts';
import type { Lookup } from './lookup.ts';
import { planDelete, planSync, type SyncOptions } from './sync.ts';
import type { Usage } from './usage.ts';

/** A call of the REST API, with everything that tells which one it is. */
export type ApiRequest = {
  /** What it is taken for: the HTTP method, or the `_method` of a POST. */
  method: string;
  path: string;
  /** The query's parameters, and those of a form body after them. */
  params: URLSearchParams;
  contentType: string | undefined;
  body: string;
  isPost: boolean;
};

/** What a call will answer once its time has come; commit does what it does to the data. */
export type Prepared = { records: number; commit(): { result: readonly unknown[]; nextPageToken?: string } };

export type Route = {
  endpoint: string;
  method: string;
  path: RegExp;
  permission: Permission | undefined;
  /** Reads the call as it arrives. Throws ApiError. */
  prepare(request: ApiRequest): Prepared;
};

/**
 * The endpoints of the REST API.
 *
 * @returns a route for each; a path that none of them has answers 610
 */
export function createRoutes(parts: {
  store: LeadStore;
  lookup: Lookup;
  usage: Usage;
  fields: ReadonlyMap<string, Field>;
  sync: SyncOptions;
}): Route[] {
  const { store, lookup, usage, fields, sync } = parts;
  const stats = (endpoint: string, path: RegExp, result: () => readonly unknown[]): Route => ({
    endpoint,
    method: 'GET',
    path,
    permission: undefined,
    prepare: () => answer(0, result()),
  });
  const remove = (request: ApiRequest) => {
    const plan = planDelete(json(request), store, sync);
    return { records: plan.records, commit: () => ({ result: plan.commit() }) };
  };

  return [
    {
      endpoint: 'describe',
      method: 'GET',
      path: /^\/rest\/v1\/leads\/describe\.json$/,
      permission: 'write',
      prepare: () => answer(0, describe(fields)),
    },
    {
      endpoint: 'describe2',
      method: 'GET',
      path: /^\/rest\/v1\/leads\/describe2\.json$/,
      permission: 'write',
      prepare: () => answer(0, describe2(fields)),
    },
    {
      endpoint: 'leads-lookup',
      method: 'GET',
      path: /^\/rest\/v1\/leads\.json$/,
      permission: 'read',
      prepare(request) {
        if (request.isPost && request.contentType !== FORM) throw new ApiError('612', 'Invalid Content Type');
        const page = lookup.page(request.params);
        return { records: page.records, commit: () => page };
      },
    },
    {
      endpoint: 'leads-sync',
      method: 'POST',
      path: /^\/rest\/v1\/leads\.json$/,
      permission: 'write',
      prepare(request) {
        const plan = planSync(json(request), store, fields, sync);
        return { records: plan.records, commit: () => ({ result: plan.commit() }) };
      },
    },
    {
      endpoint: 'leads-delete',
      method: 'DELETE',
      path: /^\/rest\/v1\/leads\.json$/,
      permission: 'write',
      prepare: remove,
    },
    {
      endpoint: 'leads-delete',
      method: 'POST',
      path: /^\/rest\/v1\/leads\/delete\.json$/,
      permission: 'write',
      prepare: remove,
    },
    {
      endpoint: 'lead',
      method: 'GET',
      path: /^\/rest\/v1\/lead\/\d+\.json$/,
      permission: 'read',
      prepare(request) {
        const page = lookup.one(/(\d+)\.json$/.exec(request.path)?.[1] ?? '', request.params);
        return { records: page.records, commit: () => page };
      },
    },
    stats('usage', /^\/rest\/v1\/stats\/usage\.json$/, () => usage.calls(1)),
    stats('usage', /^\/rest\/v1\/stats\/usage\/last7days\.json$/, () => usage.calls(7)),
    stats('errors', /^\/rest\/v1\/stats\/errors\.json$/, () => usage.errors(1)),
    stats('errors', /^\/rest\/v1\/stats\/errors\/last7days\.json$/, () => usage.errors(7)),
  ];
}

export const FORM = 'application/x-www-form-urlencoded';

function answer(records: number, result: readonly unknown[]): Prepared {
  return { records, commit: () => ({ result }) };
}

function json(request: ApiRequest): unknown {
  if (request.contentType !== 'application/json') throw new ApiError('612', 'Invalid Content Type');
  try {
    return JSON.parse(request.body);
  } catch {
    throw new ApiError('609', 'Invalid JSON');
  }
}
