/** What may stand before a command without being it. */
const BEFORE = new Set(['!', '{', 'if', 'then', 'elif', 'else', 'while', 'until', 'do', 'time']);
const ASSIGNMENT = /^[A-Za-z_]\w*=/;

/** A simple command. */
export interface ShellCommand {
  readonly words: readonly string[];
  /** The line of the script on which it begins, from 1. */
  readonly line: number;
}

/**
 * The simple commands of a shell script: also those in `$(...)` and subshells. Quotes are taken away; what the shell would
 * put in the place of a variable or of a command is a `$`. It knows what playbooks use of the language, not all of it.
 */
export function commandsIn(script: string): ShellCommand[] {
  const commands: ShellCommand[] = [];
  read(script, 0, commands);
  return commands.sort((one, other) => one.line - other.line);
}

/** Reads up to a `)` that it did not see opened, or to the end; answers the position behind. */
function read(script: string, start: number, commands: ShellCommand[]): number {
  let words: string[] = [];
  let line = 1;
  let word: string | undefined;
  /** A redirection's target is no word of the command. */
  let toFile = false;
  const heredocs: string[] = [];
  let open = 0;

  const endWord = (): void => {
    if (word !== undefined && !toFile) words.push(word);
    if (word !== undefined) toFile = false;
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    const first = words.findIndex((each) => !BEFORE.has(each) && !ASSIGNMENT.test(each));
    if (first >= 0) commands.push({ words: words.slice(first), line });
    words = [];
  };
  const add = (text: string): void => {
    word = (word ?? '') + text;
  };

  let at = start;
  while (at < script.length) {
    const character = script.charAt(at);
    if (words.length === 0 && word === undefined) line = script.slice(0, at).split('\n').length;
    const rest = script.slice(at);
    if (character === '\\') {
      if (script.charAt(at + 1) !== '\n') add(script.charAt(at + 1));
      at += 2;
    } else if (character === "'") {
      const end = script.indexOf("'", at + 1);
      if (end < 0) break;
      add(script.slice(at + 1, end));
      at = end + 1;
    } else if (character === '"') {
      add('');
      at += 1;
      while (at < script.length && script.charAt(at) !== '"') {
        if (script.charAt(at) === '\\') {
          add(script.charAt(at + 1));
          at += 2;
        } else if (script.charAt(at) === '$') {
          add('$');
          at = substitution(script, at, commands);
        } else {
          add(script.charAt(at));
          at += 1;
        }
      }
      at += 1;
    } else if (character === '$') {
      add('$');
      at = substitution(script, at, commands);
    } else if (character === '#' && word === undefined) {
      const end = script.indexOf('\n', at);
      at = end < 0 ? script.length : end;
    } else if (/^<<-?(?!<)/.test(rest)) {
      const [all, , delimiter = ''] = /^<<-?\s*(['"]?)(\w+)\1/.exec(rest) ?? ['<<'];
      endWord();
      heredocs.push(delimiter);
      at += all.length;
    } else if (character === '<' || character === '>') {
      if (/^\d$/.test(word ?? '')) word = undefined;
      endWord();
      at += /^[<>]+&?/.exec(rest)?.[0].length ?? 1;
      toFile = true;
    } else if (character === '\n') {
      endCommand();
      at += 1;
      for (const delimiter of heredocs.splice(0)) {
        const end = new RegExp(`^\\t*${delimiter}$`, 'm').exec(script.slice(at));
        at = end ? at + end.index + end[0].length : script.length;
      }
    } else if (character === ')') {
      endCommand();
      at += 1;
      if (open === 0 && start > 0) return at;
      open -= 1;
    } else if (/[;&|(]/.test(character)) {
      endCommand();
      if (character === '(') open += 1;
      at += 1;
    } else if (/\s/.test(character)) {
      endWord();
      at += 1;
    } else {
      add(character);
      at += 1;
    }
  }
  endCommand();
  return at;
}

/** Goes past what begins with a `$`; the commands in it are commands too. */
function substitution(script: string, at: number, commands: ShellCommand[]): number {
  if (script.startsWith('$((', at)) return script.indexOf('))', at) + 2;
  if (script.startsWith('$(', at)) return read(script, at + 2, commands);
  if (script.startsWith('${', at)) return script.indexOf('}', at) + 1;
  return at + (/^\$(?:\w+|[@*#?$!-])?/.exec(script.slice(at))?.[0].length ?? 1);
}
