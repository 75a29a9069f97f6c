import * as z from 'zod/mini';
import { modeOf, parametersOf, takes } from '../engine/policy.ts';
import type { Action } from '../engine/remediation.ts';
import { anyTarget } from '../engine/targets.ts';
import { withoutClients } from './declarations.ts';
import { askedAction, count, type Desk, modeInWords, openDesk } from './desk.ts';
import type { Io, Span, Terminal } from './terminal.ts';

export interface CatalogueOptions {
  readonly policy?: string;
  readonly json?: boolean;
}

/** `firebreak catalogue [id]` */
export async function catalogue(id: string | undefined, options: CatalogueOptions, { out }: Io): Promise<number> {
  withoutClients();
  if (id !== undefined) {
    const { action, desk } = await askedAction(id, options.policy);
    if (options.json) out.json(entry(action, desk));
    else detail(action, desk, out);
    return 0;
  }
  const desk = await openDesk(options.policy);
  if (options.json) {
    out.json(desk.actions.map((action) => entry(action, desk)));
    return 0;
  }
  const rows = desk.actions.map((action): Span[] => [
    ['bold', action.id],
    action.risk,
    modeOf(desk.policy, action).mode,
    action.title,
  ]);
  const heads = ['REMEDIATION', 'RISK', 'MODE', 'WHAT IT DOES'];
  out.table([heads.map((head): Span => ['dim', head]), ...rows]);
  return 0;
}

const writes = (action: Action): string[] =>
  [
    ...new Set(action.resource.flatMap((type) => action.permissions.write(anyTarget(type)).flatMap((p) => p.actions))),
  ].sort();

function entry(action: Action, { policy }: Desk): object {
  const { id, title, risk, resource, handles, permissions, undo } = action;
  return {
    id,
    title,
    risk,
    ...modeOf(policy, action),
    resource,
    handles,
    permissions: { read: permissions.read, write: writes(action) },
    parameters: parametersOf(policy, action),
    defaults: z.parse(action.parameters, {}),
    undo: undo !== 'irreversible',
  };
}

function detail(action: Action, desk: Desk, out: Terminal): void {
  const defaults = z.parse(action.parameters, {}) as Record<string, unknown>;
  const parameters = parametersOf(desk.policy, action) as Record<string, unknown>;
  const names = Object.keys(parameters);
  const elsewhere = desk.policy.modes.filter(
    ({ remediation, account, unit, severity }) => takes(remediation, action.id) && (account || unit || severity),
  ).length;
  out.line(['bold', action.id]);
  out.line(action.title);
  out.line();
  out.table([
    [['dim', 'risk'], action.risk],
    [
      ['dim', 'mode'],
      `${modeInWords(action, desk)}${elsewhere > 0 ? `; ${count(elsewhere, 'line')} of modes for some findings` : ''}`,
    ],
    [['dim', 'undo'], action.undo === 'irreversible' ? 'no: it is irreversible' : 'yes'],
    [['dim', 'acts on'], action.resource.join(', ')],
    ...action.handles.map(({ source, types, role }, index): Span[] => [
      ['dim', index === 0 ? 'responds to' : ''],
      `${source}${role ? `, as the ${role}` : ''}: ${types.join(', ')}`,
    ]),
    [['dim', 'reads'], action.permissions.read.join(', ')],
    [['dim', 'writes'], writes(action).join(', ')],
    ...names.map((name, index): Span[] => [
      ['dim', index === 0 ? 'parameters' : ''],
      `${name}: ${JSON.stringify(parameters[name])}${JSON.stringify(parameters[name]) === JSON.stringify(defaults[name]) ? ' (default)' : ''}`,
    ]),
  ]);
}
