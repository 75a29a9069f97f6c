import type { Plan } from '../engine/remediation.ts';
import { hasWritten } from '../engine/respond.ts';
import type { ResponseRecord } from '../engine/response.ts';
import { opensAgain } from '../engine/undo.ts';
import { Failure, UsageError } from './failure.ts';
import { type Book, findResponse, type LedgerOptions } from './ledgers.ts';
import type { Io, Terminal } from './terminal.ts';
import { undoByDoor } from './undo-by-door.ts';
import { undoDirectly } from './undo-directly.ts';

export interface UndoOptions extends LedgerOptions {
  readonly reason?: string;
  /** Milliseconds; 0: none. */
  readonly hold?: number;
  readonly yes?: boolean;
  readonly plan?: boolean;
  readonly direct?: boolean;
  readonly role?: string;
  readonly policy?: string;
  readonly json?: boolean;
}

/** A response that is taken back, as the ledger has it. */
export interface Undone extends Book {
  readonly record: ResponseRecord;
  readonly recorded: Plan;
  /** Whether its undo opens again what was closed. */
  readonly opens: boolean;
  /** Where people read. With --json, standard output is the document, and what a person reads goes beside it. */
  readonly screen: Terminal;
}

/** `firebreak undo <response>`: a deployed one through the door, one of the local ledger with the caller's own credentials. */
export async function undoResponse(id: string, options: UndoOptions, io: Io): Promise<number> {
  const found = await findResponse(id, options);
  const { response, plan: recorded } = found.record;
  if (!recorded || !hasWritten(found.record)) {
    throw new Failure(`${id} ended ${response.outcome ?? 'open'} without a change, so there is nothing to undo`);
  }
  const opens = await opensAgain(response, found.ledger);
  if (!opens && options.hold) {
    throw new UsageError(`${id} took a fix back: its undo brings the fix again, so there is nothing to hold`);
  }
  const undone: Undone = { ...found, recorded, opens, screen: options.json ? io.err : io.out };
  return found.kind === 'local' || options.direct ? undoDirectly(undone, options, io) : undoByDoor(undone, options, io);
}
