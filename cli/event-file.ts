import { readFileSync } from 'node:fs';
import { UsageError } from './failure.ts';

/** The text of a file, or of standard input for `-`. @throws UsageError when it cannot be read */
export function contentOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}
