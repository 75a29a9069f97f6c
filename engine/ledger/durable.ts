import { randomUUID } from 'node:crypto';
import { closeSync, fsync, linkSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';

/** What is written here is for its owner alone: it tells where an account is open. */
const FILE_MODE = 0o600;
export const FOLDER_MODE = 0o700;

/** Only the wait for the disk is long: the other calls cost less done at once than handed to a thread. */
const flush = promisify(fsync);

const isError = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException)?.code === code;

/** Waits until files and folders are on the disk as they are now; those that are not there are passed over. */
export async function sync(...paths: readonly string[]): Promise<void> {
  await Promise.all(
    paths.map(async (path) => {
      let file: number;
      try {
        file = openSync(path, 'r');
      } catch (error) {
        // Windows opens no folders, and keeps their names by itself.
        if (isError(error, 'ENOENT') || process.platform === 'win32') return;
        throw error;
      }
      try {
        await flush(file);
      } finally {
        closeSync(file);
      }
    }),
  );
}

/** Writes a new file, or adds to one; `sync` has not seen it yet. */
export function write(path: string, text: string, flag: 'wx' | 'a' = 'wx'): void {
  const file = openSync(path, flag, FILE_MODE);
  try {
    writeSync(file, text);
  } finally {
    closeSync(file);
  }
}

/** Puts a new file in its place, whole and on the disk, or not at all. @returns false when the name is taken: that file stays as it is */
export async function writeOnce(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  write(draft, text);
  try {
    await sync(draft);
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (isError(error, 'EEXIST')) return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Gives a file new content: a reader sees the old or the new one, also after a crash. */
export async function replace(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  write(draft, text);
  await sync(draft);
  renameSync(draft, path);
}

/** Adds a line of JSON. It begins with a line feed, so that what a crash left half written spoils no other line. */
export const appendLine = (path: string, value: unknown): void => write(path, `\n${JSON.stringify(value)}\n`, 'a');

/** The lines of JSON in a file, without those that a crash left half written; none when there is no file. */
export function readLines<T>(path: string): T[] {
  return (readIfThere(path) ?? '').split('\n').flatMap((line) => {
    if (line === '') return [];
    try {
      return [JSON.parse(line) as T];
    } catch {
      return [];
    }
  });
}

/** A file's text; undefined when there is no such file. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
