import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { EXIT, Failure } from './failure.ts';
import { maskAddresses } from './mask.ts';

/**
 * Reads a command's flags, `--help` and `-h` among them.
 *
 * @param args the arguments after the command's name.
 * @param options the other flags, as node:util has them.
 * @returns the flags that were given.
 * @throws Failure (64) for a flag that does not exist, or lacks its value.
 */
export function readFlags<const T extends ParseArgsOptionsConfig>(args: readonly string[], options: T) {
  refuseSwallowed(args, options);
  try {
    return parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean', short: 'h' } } as const })
      .values;
  } catch (error) {
    // It repeats what was given, which may be whom to forget.
    const why = maskAddresses(error instanceof Error ? (error.message.split('. ')[0] ?? '') : '');
    throw new Failure(EXIT.usage, `${why}. Try --help.`);
  }
}

/**
 * `npm run sync --dry-run`, without `--` before the flag: npm takes the flag for its own, some without a word, and the
 * command would do what it was told not to do. npm leaves the flag in the environment.
 */
function refuseSwallowed(args: readonly string[], options: ParseArgsOptionsConfig): void {
  for (const [name, { type }] of Object.entries(options)) {
    const swallowed = process.env[`npm_config_${name.replaceAll('-', '_')}`];
    if (type !== 'boolean' || swallowed !== 'true' || args.includes(`--${name}`)) continue;
    throw new Failure(
      EXIT.usage,
      `npm has taken --${name} for itself: flags go behind two hyphens, as in npm run ${process.env['npm_lifecycle_event'] ?? 'sync'} -- --${name}.`,
    );
  }
}
