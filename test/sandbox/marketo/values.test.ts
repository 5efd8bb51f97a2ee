import { expect, test } from 'vitest';
import type { DataType } from './fields.ts';
import { startInstance } from './harness.ts';
import { convert } from './values.ts';

const kept = (dataType: DataType, input: unknown) => {
  const conversion = convert({ name: 'f', displayName: 'F', dataType, length: 255 }, input, 'refuse');
  return 'value' in conversion ? conversion.value : conversion.refused.message;
};
const refused = (input: string) => `Invalid value for field 'f' and value '${input}'`;

test.each<[DataType, unknown, unknown]>([
  ['string', 'Köln 🙂', 'Köln 🙂'],
  ['string', 5, refused('5')],
  ['email', 'Ann.Lee+x@mail.example.com', 'Ann.Lee+x@mail.example.com'],
  ['email', 'bademail', refused('bademail')],
  ['email', 'ann@büro.example', refused('ann@büro.example')],
  ['email', ' ann@example.com', refused(' ann@example.com')],
  ['email', 'a,b@example.com', refused('a,b@example.com')],
  ['integer', 14, 14],
  ['integer', 14.1, refused('14.1')],
  ['integer', '14', refused('14')],
  ['integer', 1_790_000_000_000, refused('1790000000000')],
  ['score', -3, -3],
  ['percent', 99, 99],
  ['percent', '100%', refused('100%')],
  ['float', 5.4, 5.4],
  ['currency', 34.66, 34.66],
  ['currency', '14c', refused('14c')],
  ['boolean', true, true],
  ['boolean', 'other', refused('other')],
  ['boolean', null, false],
  ['date', '2020-08-30', '2020-08-30'],
  ['date', '2020-02-31', refused('2020-02-31')],
  ['datetime', '2020-08-30T05:49:48.000Z', '2020-08-30T05:49:48Z'],
  ['datetime', '2020-08-30T05:49:48.999+02:00', '2020-08-30T03:49:48Z'],
  ['datetime', '2020-08-30T05:49:48-0800', '2020-08-30T13:49:48Z'],
  ['datetime', 'yesterday', refused('yesterday')],
  ['datetime', '2020-08-30T05:49:48', refused('2020-08-30T05:49:48')],
  ['reference', 'x', refused('x')],
  ['text', ['x'], refused('["x"]')],
  ['url', '', null],
  ['float', null, null],
])('a %s field makes %j into %j', (dataType, input, expected) => {
  expect(kept(dataType, input)).toEqual(expected);
});

test('a text over its length skips the record, or is cut where the instance is set up so', async () => {
  const body = { input: [{ email: 'a@example.com', city: 'x'.repeat(256), chatTags: 'é'.repeat(15_001) }] };
  const strict = await startInstance();
  expect((await strict.sync(body)).result).toMatchObject([{ status: 'skipped', reasons: [{ code: '1003' }] }]);
  const cutting = await startInstance({ behaviour: { overLength: 'truncate' } });
  expect((await cutting.sync(body)).result).toMatchObject([{ status: 'created' }]);
  expect(cutting.server.leads()[0]).toMatchObject({ city: 'x'.repeat(255), chatTags: 'é'.repeat(15_000) });
});

test('a text field is measured in bytes, never cut within a character', () => {
  const field = { name: 'chatTags', displayName: 'Chat Tags', dataType: 'text' } as const;
  expect(convert(field, '🙂'.repeat(7_500), 'refuse')).toEqual({ value: '🙂'.repeat(7_500) });
  expect(convert(field, '🙂'.repeat(7_501), 'refuse')).toHaveProperty('refused');
  expect(convert(field, `x${'🙂'.repeat(7_500)}`, 'truncate')).toEqual({ value: `x${'🙂'.repeat(7_499)}` });
});
