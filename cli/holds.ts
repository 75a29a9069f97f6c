import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER_MODE, readIfThere, replace, sync } from '../engine/ledger/durable.ts';
import type { Hold, Holds } from '../engine/ledger/ledger.ts';
import { Claims, type Held } from './claims.ts';

/** Holds on what was taken back from the local ledger, a file each. A claim keeps the other processes of this machine off. */
export class FileHolds implements Holds {
  readonly #folder: string;
  readonly #claims: Claims;
  readonly #taken = new Map<string, Held>();

  /** @param folder made when the first hold is put; @param claims the folder that a run claims its targets in */
  constructor(folder: string, claims: string) {
    this.#folder = folder;
    this.#claims = new Claims(claims);
  }

  async get(key: string): Promise<Hold | undefined> {
    const text = readIfThere(this.#file(key));
    return text === undefined ? undefined : ((JSON.parse(text) as { hold: Hold | null }).hold ?? undefined);
  }

  async take(key: string, undo: string): Promise<string | undefined> {
    const claim = this.#claims.take(key, undo);
    if ('busy' in claim) return claim.busy;
    this.#taken.set(undo, claim);
    return undefined;
  }

  async put(key: string, undo: string, hold: Hold | undefined): Promise<void> {
    if (!this.#taken.has(undo)) throw new Error(`${key} is not taken`);
    mkdirSync(this.#folder, { recursive: true, mode: FOLDER_MODE });
    await replace(this.#file(key), `${JSON.stringify({ key, hold: hold ?? null }, null, 2)}\n`);
    await sync(this.#folder);
  }

  async release(_key: string, undo: string): Promise<void> {
    this.#taken.get(undo)?.release();
    this.#taken.delete(undo);
  }

  #file(key: string): string {
    return join(this.#folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`);
  }
}
