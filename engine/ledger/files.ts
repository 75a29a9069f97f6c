import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../findings/finding.ts';
import type { Plan } from '../remediation.ts';
import type { Outcome, Response, ResponseRecord, TimelineEntry } from '../response.ts';
import type { Json } from '../state.ts';
import { isResponseId } from '../targets.ts';
import {
  appendLine,
  FOLDER_MODE,
  readIfThere,
  readLines,
  replace,
  syncFolder,
  writeAndSync,
  writeOnce,
} from './durable.ts';
import type { Ledger } from './ledger.ts';

/** Headers that are read at a time. */
const READ_AT_ONCE = 64;

const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/**
 * The ledger in files, for whoever runs a remediation without a deployment: one folder per response with `header.json`,
 * `finding.json`, `plan.json` and `timeline.ndjson`. What a method answers is on the disk, so that a change to AWS never
 * comes before its record.
 */
export class FileLedger implements Ledger {
  readonly #root: string;
  readonly #now: () => Date;

  /** @param root folder of all responses; made when the first one starts */
  constructor(root: string, now: () => Date = () => new Date()) {
    this.#root = root;
    this.#now = now;
  }

  async open(response: Response, finding: Finding): Promise<{ response: Response; resumed: boolean }> {
    const folder = this.#folder(response.id);
    const known = await this.#header(response.id);
    if (known) return { response: known, resumed: true };
    const draft = join(this.#root, `.${response.id}.${randomUUID()}`);
    await mkdir(draft, { recursive: true, mode: FOLDER_MODE });
    await writeAndSync(join(draft, 'finding.json'), pretty(finding), 'wx');
    await writeAndSync(join(draft, 'header.json'), pretty(response), 'wx');
    await syncFolder(draft);
    try {
      await rename(draft, folder);
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      const first = await this.#header(response.id);
      if (first) return { response: first, resumed: true };
      throw error;
    }
    await syncFolder(this.#root);
    return { response, resumed: false };
  }

  async append(id: string, event: string, detail: Json): Promise<void> {
    const entry: TimelineEntry = { at: this.#now().toISOString(), event, detail };
    await appendLine(this.#file(id, 'timeline.ndjson'), entry);
  }

  async plan(id: string, plan: Plan): Promise<Plan> {
    const file = this.#file(id, 'plan.json');
    return (await writeOnce(file, pretty(plan))) ? plan : ((await read<Plan>(file)) ?? plan);
  }

  async close(response: Response, outcome: Outcome, reason: string | undefined): Promise<Response> {
    const closed: Response = {
      ...response,
      outcome,
      finishedAt: this.#now().toISOString(),
      ...(reason !== undefined && { reason }),
    };
    await replace(this.#file(response.id, 'header.json'), pretty(closed));
    return closed;
  }

  async get(id: string): Promise<ResponseRecord | undefined> {
    const response = await this.#header(id);
    const finding = response && (await read<Finding>(this.#file(id, 'finding.json')));
    if (!response || !finding) return undefined;
    const plan = await read<Plan>(this.#file(id, 'plan.json'));
    const timeline = await readLines<TimelineEntry>(this.#file(id, 'timeline.ndjson'));
    return { response, finding, ...(plan && { plan }), timeline };
  }

  async list({
    since,
    limit,
    outcome,
  }: {
    since: Date;
    limit: number;
    outcome?: Outcome;
  }): Promise<readonly Response[]> {
    const ids = (await readdir(this.#root).catch(noFolder)).filter(isResponseId);
    const found: Response[] = [];
    for (let from = 0; from < ids.length; from += READ_AT_ONCE) {
      const headers = await Promise.all(ids.slice(from, from + READ_AT_ONCE).map((id) => this.#header(id)));
      found.push(...headers.filter((header) => header !== undefined));
    }
    return found
      .filter((response) => response.startedAt >= since.toISOString())
      .filter((response) => outcome === undefined || response.outcome === outcome)
      .sort((a, b) => (a.startedAt === b.startedAt ? (a.id < b.id ? -1 : 1) : a.startedAt > b.startedAt ? -1 : 1))
      .slice(0, limit);
  }

  #header(id: string): Promise<Response | undefined> {
    return read<Response>(this.#file(id, 'header.json'));
  }

  /** An id is typed by a person, and becomes a path here. */
  #folder(id: string): string {
    if (!isResponseId(id)) throw new Error(`${JSON.stringify(id)} is not the id of a response`);
    return join(this.#root, id);
  }

  #file(id: string, name: string): string {
    return join(this.#folder(id), name);
  }
}

async function read<T>(file: string): Promise<T | undefined> {
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Error(`${file} is damaged: it is not JSON`);
  }
}

function noFolder(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
