import { expect, test } from 'vitest';
import { at } from '../../test/digest/example.ts';
import { durationWords, localDate } from './times.ts';

test('the date of a digest is the date in its zone', () => {
  expect(localDate(at('2026-11-23T23:30:00Z'), 'Etc/UTC')).toBe('2026-11-23');
  expect(localDate(at('2026-11-23T23:30:00Z'), 'Europe/Berlin')).toBe('2026-11-24');
  expect(localDate(at('2026-01-01T04:00:00Z'), 'America/New_York')).toBe('2025-12-31');
});

test('a duration is told in its two largest units', () => {
  const minute = 60_000;
  const told = [0, 59, 60, 192, 24 * 60, 52 * 60].map((minutes) =>
    durationWords(minutes * minute).replaceAll('\u00a0', ' '),
  );
  expect(told).toEqual(['less than a minute', '59 min', '1 h', '3 h 12 min', '1 d', '2 d 4 h']);
});
