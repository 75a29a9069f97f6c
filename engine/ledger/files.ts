import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../findings/finding.ts';
import type { Plan } from '../remediation.ts';
import {
  type End,
  ended,
  type Order,
  type Response,
  type ResponseRecord,
  reopened,
  type TimelineEntry,
} from '../response.ts';
import type { Json } from '../state.ts';
import { isResponseId } from '../targets.ts';
import { appendLine, FOLDER_MODE, readIfThere, readLines, replace, sync, write, writeOnce } from './durable.ts';
import { isWanted, type Ledger, type Wanted } from './ledger.ts';

const HEADER = 'header.json';
const FINDING = 'finding.json';
const PLAN = 'plan.json';
const TIMELINE = 'timeline.ndjson';
const ORDERS = 'orders.ndjson';

/**
 * The ledger in files, for whoever runs a remediation without a deployment: a folder per response, which appears whole or
 * not at all. Everything is on the disk before `plan`, `append` and `close` answer, so that no change to AWS comes before
 * its record, whatever fails in between.
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
    const known = this.#header(response.id);
    if (known) return { response: known, resumed: true };
    const draft = join(this.#root, `.${response.id}.${randomUUID()}`);
    mkdirSync(draft, { recursive: true, mode: FOLDER_MODE });
    write(join(draft, FINDING), pretty(finding));
    write(join(draft, HEADER), pretty(response));
    try {
      renameSync(draft, this.#path(response.id));
    } catch (error) {
      rmSync(draft, { recursive: true, force: true });
      const first = this.#header(response.id);
      if (first) return { response: first, resumed: true };
      throw error;
    }
    return { response, resumed: false };
  }

  async append(id: string, event: string, detail: Json): Promise<void> {
    appendLine(this.#path(id, TIMELINE), { at: this.#now().toISOString(), event, detail } satisfies TimelineEntry);
    await sync(this.#path(id, TIMELINE), this.#path(id));
  }

  async plan(id: string, plan: Plan): Promise<Plan> {
    const file = this.#path(id, PLAN);
    const first = await writeOnce(file, pretty(plan));
    await this.#keep(id);
    return first ? plan : (read<Plan>(file) ?? plan);
  }

  async close(response: Response, end: End): Promise<Response> {
    const closed = ended(response, end, this.#now());
    const known = this.#header(response.id);
    if (known && known.outcome !== response.outcome) return known;
    await replace(this.#path(response.id, HEADER), pretty(closed));
    await this.#keep(response.id);
    return closed;
  }

  async order(id: string, order: Order): Promise<Order> {
    const decided = order.undo === undefined && this.#orders(id).find(({ undo }) => undo === undefined);
    if (decided) return decided;
    appendLine(this.#path(id, ORDERS), order);
    await sync(this.#path(id, ORDERS), this.#path(id));
    return order;
  }

  async reopen(response: Response): Promise<void> {
    if (this.#header(response.id)?.outcome !== 'awaiting-approval') return;
    await replace(this.#path(response.id, HEADER), pretty(reopened(response)));
    await this.#keep(response.id);
  }

  async get(id: string): Promise<ResponseRecord | undefined> {
    const response = this.#header(id);
    const finding = response && read<Finding>(this.#path(id, FINDING));
    if (!response || !finding) return undefined;
    const plan = read<Plan>(this.#path(id, PLAN));
    return {
      response,
      finding,
      ...(plan && { plan }),
      orders: this.#orders(id),
      timeline: readLines<TimelineEntry>(this.#path(id, TIMELINE)),
    };
  }

  async list(wanted: Wanted): Promise<readonly Response[]> {
    return namesIn(this.#root)
      .filter(isResponseId)
      .map((id) => this.#header(id))
      .filter((response) => response !== undefined)
      .filter((response) => response.startedAt >= wanted.since.toISOString())
      .filter((response) => isWanted(response, wanted))
      .sort((a, b) => compare(b.startedAt, a.startedAt) || compare(a.id, b.id))
      .slice(0, wanted.limit);
  }

  #orders(id: string): Order[] {
    return readLines<Order>(this.#path(id, ORDERS));
  }

  #header(id: string): Response | undefined {
    return read<Response>(this.#path(id, HEADER));
  }

  /** Waits until all that makes a response findable is on the disk. */
  #keep(id: string): Promise<void> {
    return sync(this.#path(id, FINDING), this.#path(id, HEADER), this.#path(id), this.#root);
  }

  /** An id is typed by a person, and becomes a path here. */
  #path(id: string, ...names: readonly string[]): string {
    if (!isResponseId(id)) throw new Error(`${JSON.stringify(id)} is not the id of a response`);
    return join(this.#root, id, ...names);
  }
}

const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

function read<T>(file: string): T | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Error(`${file} is damaged: it is not JSON`);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
