import { randomUUID } from 'node:crypto';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What is written here is for its owner alone: it tells where an account is open. */
export const FILE_MODE = 0o600;
export const FOLDER_MODE = 0o700;

const isError = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException)?.code === code;

/** Waits until the names in a folder are on the disk. Windows has no such call, and keeps names by itself. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a file, and waits until its content is on the disk. */
export async function writeAndSync(path: string, text: string, flag: 'wx' | 'a'): Promise<void> {
  const handle = await open(path, flag, FILE_MODE);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A new file, whole or not there at all. @returns false when the name is taken: that file stays as it is */
export async function writeOnce(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  await writeAndSync(draft, text, 'wx');
  try {
    await link(draft, path);
  } catch (error) {
    if (isError(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(dirname(path));
  return true;
}

/** A file's new content: a reader sees the old or the new one, also after a crash. */
export async function replace(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeAndSync(draft, text, 'wx');
  await rename(draft, path);
  await syncFolder(dirname(path));
}

/** Adds a line of JSON. It begins with a line feed, so that what a crash left half written spoils no other line. */
export const appendLine = (path: string, value: unknown): Promise<void> =>
  writeAndSync(path, `\n${JSON.stringify(value)}\n`, 'a');

/** The lines of JSON in a file, without those that a crash left half written; none when there is no file. */
export async function readLines<T>(path: string): Promise<T[]> {
  const text = (await readIfThere(path)) ?? '';
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    try {
      return [JSON.parse(line) as T];
    } catch {
      return [];
    }
  });
}

/** A file's text; undefined when there is no such file. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
