import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { chatAnswer } from '../shared/livechat/types.ts';
import { visitorOf } from '../shared/livechat/visitor.ts';
import { describeAnswer, fieldsOf } from '../shared/marketo/types.ts';
import type { FieldFacts } from '../shared/rules/check.ts';
import type { RuleInput } from '../shared/rules/decide.ts';
import { EXIT, Failure } from '../shared/runtime/failure.ts';

/** The text of a rules file. @throws Failure (64) */
export function readRulesFile(file: string): string {
  return readText(file);
}

/** Marketo's description of its fields, as describe.json answers. @throws Failure (64) */
export function readDescribe(file: string): Map<string, FieldFacts> {
  const rows = z.array(describeAnswer);
  const read = z.union([z.object({ result: rows }), rows]).safeParse(readJson(file));
  if (!read.success) throw unlike(file, 'Marketo’s answer to /rest/v1/leads/describe.json');
  return fieldsOf(Array.isArray(read.data) ? read.data : read.data.result);
}

/** A lead as Marketo has it, by itself or in the answer to a look-up. @throws Failure (64) */
export function readLead(file: string): Record<string, unknown> {
  const row = z.record(z.string(), z.unknown());
  const answer = z.object({ result: z.array(row) });
  const content = readJson(file);
  const results = answer.safeParse(content).data?.result;
  if (results && results.length !== 1)
    throw new Failure(
      EXIT.usage,
      `${file} has ${results.length} leads in its result: leave one in it, or no --lead for a new one.`,
    );
  const lead = results?.[0] ?? row.safeParse(content).data;
  if (!lead) throw unlike(file, 'a lead: an object with its fields');
  return lead;
}

/** A thread as the rules see it: a visit as the ledger keeps it, or what LiveChat answers to get_chat. @throws Failure (64) */
export function readThread(file: string): RuleInput {
  const content = readJson(file);
  const visit = z.object({ visitor: part, thread: part, chat: part, form: part }).safeParse(content);
  if (visit.success) return visit.data;
  const chat = chatAnswer.safeParse(content);
  if (chat.success) return visitorOf(chat.data).visit;
  throw unlike(file, 'LiveChat’s answer to get_chat, or a visit with visitor, thread, chat and form');
}

const part = z.record(z.string(), z.unknown());

function readJson(file: string): unknown {
  const text = readText(file);
  try {
    return JSON.parse(text);
  } catch {
    // Not the parser's own words: they quote what is in the file.
    throw new Failure(EXIT.usage, `${file} is not JSON.`);
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new Failure(EXIT.usage, `${file} cannot be read${why}.`);
  }
}

function unlike(file: string, what: string): Failure {
  return new Failure(EXIT.usage, `${file} is not ${what}.`);
}
