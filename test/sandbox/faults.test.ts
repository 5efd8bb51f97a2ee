import { expect, test } from 'vitest';
import { createFaults, faultSchema } from './faults.ts';
import { createRandom } from './random.ts';

test('a fault with times strikes that often, only its server and endpoint, and is then gone', () => {
  const faults = createFaults(createRandom(1));
  faults.add({ server: 'marketo', endpoint: 'leads-sync', effect: { kind: 'html', status: 502 }, times: 2 });
  expect(faults.take('livechat', 'leads-sync')).toBeUndefined();
  expect(faults.take('marketo', 'identity')).toBeUndefined();
  expect(faults.take('marketo', 'leads-sync')?.effect).toEqual({ kind: 'html', status: 502 });
  expect(faults.list()).toHaveLength(1);
  expect(faults.take('marketo', 'leads-sync')).toBeDefined();
  expect(faults.take('marketo', 'leads-sync')).toBeUndefined();
  expect(faults.list()).toEqual([]);
});

test('a fault with neither times nor rate strikes until it is cleared', () => {
  const faults = createFaults(createRandom(1));
  faults.add({ server: 'livechat', effect: { kind: 'reset' } });
  for (let call = 0; call < 10; call++) expect(faults.take('livechat', 'list_archives')).toBeDefined();
  faults.clear();
  expect(faults.take('livechat', 'list_archives')).toBeUndefined();
});

test('a code for every endpoint passes identity by, a page for every endpoint does not', () => {
  const faults = createFaults(createRandom(1));
  faults.add({ server: 'marketo', effect: { kind: 'code', code: '608' } });
  expect(faults.take('marketo', 'identity')).toBeUndefined();
  expect(faults.take('marketo', 'usage')).toBeDefined();
  faults.add({ server: 'marketo', effect: { kind: 'html', status: 503 } });
  expect(faults.take('marketo', 'identity')?.effect).toEqual({ kind: 'html', status: 503 });
});

test('a rate strikes that share of the calls, the same ones for the same seed', () => {
  const strikes = () => {
    const faults = createFaults(createRandom(5));
    faults.add({ server: 'marketo', effect: { kind: 'code', code: '604' }, rate: 0.3 });
    return Array.from({ length: 1_000 }, () => faults.take('marketo', 'leads-sync') !== undefined);
  };
  expect(strikes()).toEqual(strikes());
  const share = strikes().filter(Boolean).length / 1_000;
  expect(share).toBeGreaterThan(0.25);
  expect(share).toBeLessThan(0.35);
});

test('latency is zero until set, and then keeps within what was asked for', () => {
  const faults = createFaults(createRandom(1));
  expect(faults.latencyMs('marketo')).toBe(0);
  faults.setLatency('marketo', { kind: 'fixed', ms: 40 });
  expect(faults.latencyMs('marketo')).toBe(40);
  expect(faults.latencyMs('livechat')).toBe(0);
  faults.setLatency('marketo', { kind: 'uniform', fromMs: 10, toMs: 20 });
  expect(faults.latencyMs('marketo')).toBeGreaterThanOrEqual(10);
  expect(faults.latencyMs('marketo')).toBeLessThanOrEqual(20);
  faults.setLatency('marketo', undefined);
  expect(faults.latencyMs('marketo')).toBe(0);
});

test('a fault with an unknown effect, a rate above one or an unknown member is refused', () => {
  expect(faultSchema.safeParse({ server: 'marketo', effect: { kind: 'fire' } }).success).toBe(false);
  expect(faultSchema.safeParse({ server: 'marketo', effect: { kind: 'reset' }, rate: 2 }).success).toBe(false);
  expect(faultSchema.safeParse({ server: 'marketo', effect: { kind: 'reset' }, tims: 2 }).success).toBe(false);
  const faults = createFaults(createRandom(1));
  expect(() => faults.add({ server: 'marketo', effect: { kind: 'error', type: 'internal' } })).toThrow("LiveChat's");
  expect(() => faults.add({ server: 'marketo', endpoint: 'identity', effect: { kind: 'code', code: '606' } })).toThrow(
    'Identity answers no codes',
  );
});
