import { GetParameterCommand, PutParameterCommand, paginateGetParameterHistory, SSMClient } from '@aws-sdk/client-ssm';
import { OFF } from '../engine/aws/kill-switch.ts';
import { sessionConfig } from '../engine/aws/session.ts';
import { type Caller, identify } from './caller.ts';
import { Failure, UsageError } from './failure.ts';
import type { Io, Terminal } from './terminal.ts';

/** As serverless.yml names it. */
const PARAMETER = '/firebreak/kill-switch';

export interface SwitchOptions {
  readonly region?: string;
  readonly json?: boolean;
}

/** What the kill switch says, and who said so; AWS tells the person from their credentials. */
interface Word {
  /** Why everything is stopped; null: it is not. */
  readonly stopped: string | null;
  readonly by: string | null;
  readonly since: string | null;
}

/** `firebreak stop <reason>`: no deployed worker fixes anything more, within a minute. */
export async function stop(reason: string, options: SwitchOptions, io: Io): Promise<number> {
  if (reason.toLowerCase() === OFF)
    throw new UsageError(`"${reason}" is what the switch says when everything runs: say why`);
  return turn(reason, options, io);
}

/** `firebreak resume`: what was stopped may run again. */
export const resume = (options: SwitchOptions, io: Io): Promise<number> => turn(OFF, options, io);

/** `firebreak status`: whether the kill switch stops everything. */
export async function status(options: SwitchOptions, io: Io): Promise<number> {
  const { ssm, caller } = await switchboard(options);
  const now = await word(ssm, caller);
  if (options.json) io.out.json(now);
  else tell(now, io.out);
  return 0;
}

async function turn(Value: string, options: SwitchOptions, io: Io): Promise<number> {
  const { ssm, caller } = await switchboard(options);
  const before = await word(ssm, caller);
  const wanted = Value === OFF ? null : Value;
  if (before.stopped !== wanted) await ssm.send(new PutParameterCommand({ Name: PARAMETER, Value, Overwrite: true }));
  const now = await word(ssm, caller);
  if (options.json) io.out.json({ ...now, before });
  else {
    if (before.stopped !== null && before.stopped !== now.stopped) tell(before, io.out, 'it was: ');
    tell(now, io.out);
  }
  return now.stopped === wanted ? 0 : 1;
}

async function switchboard({ region }: SwitchOptions): Promise<{ readonly ssm: SSMClient; readonly caller: Caller }> {
  const caller = await identify(region);
  return { ssm: new SSMClient(sessionConfig(caller.account, caller.region, caller.credentials)), caller };
}

/** @throws {Failure} where Firebreak is not deployed */
async function word(ssm: SSMClient, { account, region }: Caller): Promise<Word> {
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: PARAMETER })).catch((error: unknown) => {
    if (!(error instanceof Error && error.name === 'ParameterNotFound')) throw error;
    throw new Failure(`account ${account} has no parameter ${PARAMETER} in ${region}: deploy Firebreak first`);
  });
  const text = Parameter?.Value?.trim() ?? '';
  let by: string | null = null;
  for await (const { Parameters = [] } of paginateGetParameterHistory({ client: ssm }, { Name: PARAMETER })) {
    by = Parameters.find(({ Version }) => Version === Parameter?.Version)?.LastModifiedUser ?? by;
  }
  return { stopped: text === OFF ? null : text, by, since: Parameter?.LastModifiedDate?.toISOString() ?? null };
}

function tell({ stopped, by, since }: Word, out: Terminal, before = ''): void {
  const who = `since ${since ?? 'a time unknown'} by ${by ?? 'somebody unknown'}`;
  if (stopped === null) out.line(before, ['green', 'running'], `  ${who}`);
  else out.line(before, ['red', 'stopped'], `  ${who}: ${stopped}`);
}
