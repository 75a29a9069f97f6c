import type { Entry, Incident, IncidentRecord, State } from '../engine/incidents/incident.ts';
import { isIncidentId } from '../engine/incidents/items.ts';
import type { Outcome } from '../engine/response.ts';
import playbooks from '../functions/tell/playbooks.json' with { type: 'json' };
import { count, outcomeSpan } from './desk.ts';
import { Failure, UsageError } from './failure.ts';
import { deployedSession } from './ledgers.ts';
import type { Io, Span, Style, Terminal } from './terminal.ts';

export interface IncidentOptions {
  readonly table: string;
  readonly region?: string;
  readonly json?: boolean;
}

export interface IncidentListOptions extends IncidentOptions {
  readonly since: Date;
  readonly limit: number;
  readonly state?: State;
}

/** `firebreak incident list` */
export async function listIncidents(options: IncidentListOptions, { out, err }: Io): Promise<number> {
  const { since, limit, state } = options;
  const { record, where, reading } = await openRecord(options);
  const found = await reading(async () => {
    const wanted: Incident[] = [];
    for await (const incident of record.list(since)) {
      if (state === undefined || incident.state === state) wanted.push(incident);
      if (wanted.length >= limit) break;
    }
    return wanted;
  });
  if (options.json) {
    out.json({ incidents: found });
    return 0;
  }
  if (found.length > 0) {
    const heads = ['OPENED (UTC)', 'STATE', 'SEVERITY', 'INCIDENT', 'OWNER', 'ACCOUNT', 'WHAT'];
    out.table([heads.map((head): Span => ['dim', head]), ...found.map(listed)]);
  }
  const more = found.length === limit ? ': the newest; --limit shows more' : '';
  err.line(`${count(found.length, 'incident')} since ${since.toISOString().slice(0, 16)}Z in ${where}${more}`);
  return 0;
}

const listed = (incident: Incident): Span[] => [
  incident.openedAt.replace('T', ' ').slice(0, 19),
  stateSpan(incident.state),
  incident.severity,
  incident.id,
  incident.owner ?? ['yellow', 'nobody'],
  incident.account,
  `${incident.simulation === undefined ? '' : '[SIMULATION] '}${incident.title}`,
];

/** A response as an incident's timeline tells it. */
interface Told {
  readonly id: string;
  /** The last one that is told. */
  readonly outcome: Outcome | undefined;
  readonly detail: string;
  /** To look at it, decide on it, or take it back. */
  readonly commands: readonly string[];
}

/** `firebreak incident show <incident>` */
export async function showIncident(id: string, options: IncidentOptions, { out }: Io): Promise<number> {
  assertIncident(id);
  const { record, where, reading } = await openRecord(options);
  const found = await reading(() => record.get(id));
  if (!found) throw new Failure(`there is no incident ${id} in ${where}: firebreak incident list shows them`);
  const responses = responsesIn(found.timeline);
  const pages = found.incident.playbooks.map((each) => ({ id: each, path: `playbooks/${each}.md` }));
  if (options.json) out.json({ ...found, responses, playbooks: pages });
  else present(found, responses, out);
  return 0;
}

/** The responses of a timeline, in the order in which they were first told. */
function responsesIn(timeline: readonly Entry[]): readonly Told[] {
  const takenBack = new Set(
    timeline.flatMap(({ undoes, outcome }) => (undoes && outcome === 'undone' ? [undoes] : [])),
  );
  const entries = timeline.filter((entry) => entry.response !== undefined);
  return [...Map.groupBy(entries, ({ response = '' }) => response)].map(([id, told]) => {
    const { outcome, detail = '' } = told.at(-1) ?? {};
    const goesBack = (outcome === 'verified' || outcome === 'undone') && !takenBack.has(id);
    return {
      id,
      outcome,
      detail,
      commands: [
        `firebreak show ${id}`,
        ...(outcome === 'awaiting-approval' ? [`firebreak approve ${id}`, `firebreak deny ${id}`] : []),
        ...(goesBack ? [`firebreak undo ${id}`] : []),
      ],
    };
  });
}

/** All about an incident, for people. Text of others goes through the terminal's encoder. */
function present({ incident, timeline }: IncidentRecord, responses: readonly Told[], out: Terminal): void {
  const { id, title, account, region, openedAt, changedAt, subjects, simulation } = incident;
  out.line(...incidentSpans(incident));
  if (simulation !== undefined) {
    out.line(['yellow', `SIMULATION: run ${simulation} made it  `], `firebreak simulation status ${simulation}`);
  }
  out.line();
  out.table([
    [['dim', 'what'], title],
    [['dim', 'where'], `account ${account}, ${region}`],
    [['dim', 'opened'], openedAt],
    [['dim', 'changed'], changedAt],
    ...subjects.map((arn, index): Span[] => [['dim', index === 0 ? 'about' : ''], arn]),
  ]);
  if (incident.playbooks.length > 0) {
    out.line();
    out.line(['dim', 'playbooks']);
    out.table(
      incident.playbooks.map((each): Span[] => [`playbooks/${each}.md`, titleOf(each)]),
      '    ',
    );
  }
  out.line();
  out.line(['dim', 'timeline']);
  out.table(timeline.map(step), '    ');
  if (responses.length > 0) {
    out.line();
    out.line(['dim', 'responses']);
    for (const { outcome, detail, commands } of responses) {
      out.line('    ', outcomeSpan(outcome), '  ', detail);
      for (const command of commands) out.line('        ', ['bold', command]);
    }
  }
  out.line();
  out.line(['dim', 'go on with  '], `firebreak incident note | own | severity | contain | resolve | dismiss ${id}`);
}

const titleOf = (playbook: string): string =>
  (playbooks as Readonly<Record<string, { readonly title: string }>>)[playbook]?.title ?? '';

const step = ({ at, by, what, outcome, detail }: Entry): Span[] => [
  ['dim', at.replace('T', ' ').slice(0, 19)],
  outcome === undefined ? what : outcomeSpan(outcome),
  by.slice(by.lastIndexOf('/') + 1),
  detail,
];

const STYLES: Readonly<Record<State, Style>> = {
  open: 'red',
  contained: 'yellow',
  resolved: 'green',
  'false-positive': 'green',
};
const stateSpan = (state: State): Span => [STYLES[state], state];

/** An incident in a line. */
export const incidentSpans = ({ id, state, severity, owner }: Incident): Span[] => [
  ['bold', id],
  '  ',
  stateSpan(state),
  `  ${severity}  `,
  owner === undefined ? ['yellow', 'owned by nobody'] : `owned by ${owner}`,
];

/** @throws {UsageError} on what is no id of an incident */
export function assertIncident(id: string): void {
  if (!isIncidentId(id)) throw new UsageError(`${id} is not the id of an incident: firebreak incident list shows them`);
}

async function openRecord({ table, region }: IncidentOptions) {
  const { Incidents } = await import('../engine/incidents/record.ts');
  const session = await deployedSession(region);
  const where = `table ${table} in ${session.region}`;
  const reading = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error && error.name === 'ResourceNotFoundException')) throw error;
      throw new Failure(`there is no ${where}: deploy Firebreak first, or give the Region that it is deployed in`);
    }
  };
  return { record: new Incidents(session, table), where, reading };
}
