import { parseArgs } from 'node:util';
import { EXIT, type ExitCode, Failure } from '../shared/runtime/failure.ts';
import { checkFile } from './check-file.ts';
import { explainThread } from './explain.ts';

process.exitCode = main(process.argv.slice(2));

/** Needs neither network nor database: what it says, it says of the files that it is given. */
function main(args: readonly string[]): ExitCode {
  try {
    const { flags, command, file } = readArguments(args);
    if (flags.help) {
      process.stdout.write(help());
      return EXIT.done;
    }
    const result = command === 'check' ? checkFile(file, flags) : explainThread(file, flags);
    process.stdout.write(flags.json ? `${JSON.stringify(result.json, null, 2)}\n` : result.text);
    return result.exitCode;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
}

function readArguments(args: readonly string[]) {
  const { values: flags, positionals } = parsed(args);
  const [command, file, ...more] = positionals;
  if (flags.help) return { flags, command: 'help', file: '' };
  if (command !== 'check' && command !== 'explain')
    throw new Failure(
      EXIT.usage,
      `${command === undefined ? 'A command is missing' : `"${command}" is not a command`}: check or explain. Try --help.`,
    );
  if (file === undefined)
    throw new Failure(EXIT.usage, `${command} needs the rules file: rules -- ${command} rules.yaml. Try --help.`);
  if (more.length > 0)
    throw new Failure(EXIT.usage, `One rules file at a time; "${more[0]}" is one too many. Try --help.`);
  if (command === 'check' && (flags.lead !== undefined || flags.thread !== undefined))
    throw new Failure(EXIT.usage, '--lead and --thread belong to explain. Try --help.');
  if (command === 'explain' && flags.thread === undefined)
    throw new Failure(EXIT.usage, 'explain needs --thread FILE: what LiveChat knows. Try --help.');
  return { flags, command, file };
}

function parsed(args: readonly string[]) {
  const file = { type: 'string' } as const;
  const isSet = { type: 'boolean' } as const;
  const options = { describe: file, lead: file, thread: file, json: isSet, help: { ...isSet, short: 'h' } } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('. ')[0] ?? '') : '';
    throw new Failure(EXIT.usage, `${why}. Try --help.`);
  }
}

function help(): string {
  return `Usage: rules check FILE [--describe FILE] [--json]
       rules explain FILE --thread FILE [--lead FILE] [--describe FILE] [--json]

check     says whether a rules file holds: every mistake, with its line.
explain   says what the rules would write for one thread, and why every other field is left alone.

  --describe FILE  Marketo's answer to /rest/v1/leads/describe.json: the rules are held against its fields
  --thread FILE    LiveChat's answer to get_chat, or a visit as the ledger keeps it
  --lead FILE      the lead as Marketo has it, or Marketo's answer to a look-up; without it, the visitor is new
  --json           answers in JSON
  -h, --help       this text

All files but the rules are JSON. Exit codes: 0 done · 64 wrong use, or a file that cannot be read · 78 the rules do not hold
`;
}
