import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { explain, UsageError } from './failure.ts';
import { commandLine } from './program.ts';
import { type Io, Terminal } from './terminal.ts';

/**
 * Runs the command.
 * @param words what was typed after `firebreak`
 * @returns the exit code
 */
export async function main(words: readonly string[], io: Io): Promise<number> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  let code = 0;
  const program = commandLine(version, io, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    io.err.text(`firebreak: ${explain(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

if (import.meta.main) {
  // Whoever reads may stop reading: what is in work goes on, and only the words are lost.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  process.exitCode = await main(process.argv.slice(2), {
    out: new Terminal(process.stdout),
    err: new Terminal(process.stderr),
    input: process.stdin,
  });
}
