import type { Command, Option } from 'commander';
import { nearest } from '../policy/nearest.ts';

/** What is wrong with a command, and what to write. */
export interface CommandFault {
  readonly wrong: string;
  readonly write: string;
}

/** A word with a variable in it: what it will be is not known here. */
const isOpen = (word: string): boolean => word.includes('$');
const FIREBREAK = 'firebreak';

/**
 * What is wrong with a `firebreak` command, without running it.
 * @param program the command line
 * @param words the command first
 * @param complete false: it is only mentioned, and may lack what it needs
 */
export function commandFault(program: Command, words: readonly string[], complete = true): CommandFault | undefined {
  let command = program;
  let names = FIREBREAK;
  let rest = words.slice(1);
  while (command.commands.length > 0 && rest[0] !== undefined && !rest[0].startsWith('-')) {
    const [name = ''] = rest;
    const next = command.commands.find((each) => each.name() === name);
    if (!next) {
      if (name === 'help' && command === program) return undefined;
      const known = command.commands.map((each) => each.name());
      const write = nearest(name, known);
      return {
        wrong: `${names} has no ${name}`,
        write: write === undefined ? `one of ${known.join(', ')}` : `${names} ${write}`,
      };
    }
    command = next;
    names += ` ${name}`;
    rest = rest.slice(1);
  }
  const given = takeApart(command, rest);
  if ('wrong' in given) return { ...given, wrong: `${names}: ${given.wrong}` };
  if (!complete) return undefined;
  if (command.commands.length > 0 && !given.asksHelp)
    return { wrong: `${names} does nothing by itself`, write: 'what it shall do' };
  return missing(command, names, given);
}

interface Given {
  readonly operands: readonly string[];
  readonly options: ReadonlySet<Option>;
  readonly asksHelp: boolean;
}

function takeApart(command: Command, words: readonly string[]): Given | CommandFault {
  const operands: string[] = [];
  const options = new Set<Option>();
  let asksHelp = false;
  const left = [...words];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (!/^--?[a-z]/.test(word)) {
      operands.push(word);
      continue;
    }
    const [flag = '', inline] = word.split(/=(.*)/s);
    if (flag === '--help') {
      asksHelp = true;
      continue;
    }
    const option = command.options.find((each) => flag === each.long || flag === each.short);
    if (!option) {
      const write = nearest(
        flag,
        command.options.map(({ long }) => long ?? ''),
      );
      return { wrong: `there is no ${flag}`, write: write ?? 'an option that its --help has' };
    }
    options.add(option);
    if (!option.required) continue;
    const values = [inline ?? left.shift() ?? ''];
    while (option.variadic && left[0] !== undefined && !left[0].startsWith('-')) values.push(left.shift() ?? '');
    for (const value of values) {
      const doubt = refusal(option, value, option.defaultValue);
      if (doubt !== undefined) return { wrong: `${flag} ${value}`.trim(), write: doubt };
    }
  }
  return { operands, options, asksHelp };
}

function missing(command: Command, names: string, { operands, options, asksHelp }: Given): CommandFault | undefined {
  if (asksHelp) return undefined;
  const wanted = command.registeredArguments;
  const lacking = wanted.find((argument, index) => argument.required && operands[index] === undefined);
  if (lacking) return { wrong: `${names} lacks its ${lacking.name()}`, write: `it: ${lacking.description}` };
  if (operands.length > wanted.length && !wanted.at(-1)?.variadic) {
    return { wrong: `${names} takes no ${operands[wanted.length]}`, write: 'it without, or in quotes' };
  }
  for (const [index, operand] of operands.entries()) {
    const argument = wanted[index];
    const doubt = argument && refusal(argument, operand, undefined);
    if (doubt !== undefined) return { wrong: `${names} ${operand}`, write: doubt };
  }
  const needed = command.options.find((option) => option.mandatory && !options.has(option));
  return needed && { wrong: `${names} lacks ${needed.long}`, write: `it: ${needed.description}` };
}

/** What is taken in the place of a value, where it is not. */
function refusal(of: Pick<Option, 'parseArg'>, value: string, previous: unknown): string | undefined {
  if (isOpen(value)) return undefined;
  if (value === '') return 'its value';
  try {
    of.parseArg?.(value, previous);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
  }
}
