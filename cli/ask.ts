import { createInterface } from 'node:readline/promises';
import type { Io } from './terminal.ts';

/** Asks a question that is answered by yes or no. Undefined: nobody is there to answer. */
export async function agreed(question: string, { input }: Pick<Io, 'input'>): Promise<boolean | undefined> {
  if (!input.isTTY) return undefined;
  const reader = createInterface({ input, output: process.stderr });
  const closed = new Promise<string>((resolve) => reader.once('close', () => resolve('')));
  const answer = await Promise.race([reader.question(`${question} [y/N] `), closed]);
  reader.close();
  return /^y(es)?$/i.test(answer.trim());
}
