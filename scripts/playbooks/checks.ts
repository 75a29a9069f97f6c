import type { Command } from 'commander';
import type { Source } from '../../engine/findings/finding.ts';
import { PLAYBOOKS, playbookFile } from '../../engine/playbook.ts';
import type { Action } from '../../engine/remediation.ts';
import type { Trigger } from '../../engine/triggers.ts';
import type { Problem } from '../located-yaml.ts';
import type { PlacedProblem, Playbook } from '../playbooks.ts';
import { nearest } from '../policy/nearest.ts';
import { CSF } from './csf.ts';
import { isFindingType, listedTypes } from './finding-types.ts';
import { blocks, commands, links, placeholders, sections, sourced } from './prose.ts';

/** What there is, for playbooks to name. */
export interface Known {
  readonly actions: readonly Action[];
  /** Ids of scenarios. */
  readonly simulations: readonly string[];
  /** Names of SSM documents. */
  readonly runbooks: readonly string[];
  readonly program: Command;
  /** Shell scripts that pages source. */
  readonly scripts: readonly { readonly file: string; readonly text: string }[];
  readonly now: Date;
}

/** Days after which somebody has to go through a playbook again. */
const LONGEST_UNREVIEWED = 180;
const DAY_MS = 86_400_000;

/** A service that tells of findings. */
export type Sensor = Exclude<Source, 'operator'>;

/** Finding types of a playbook, with their sources. */
export const typesOf = ({ findings }: Pick<Playbook, 'findings'>): { source: Sensor; type: string }[] =>
  Object.entries(findings).flatMap(([source, types = []]) => types.map((type) => ({ source: source as Sensor, type })));

/** True when a trigger is about findings of a source and type, at least of some of them. */
export const isAbout = (trigger: Trigger, source: Source, type: string): boolean =>
  trigger.source === source && trigger.types.includes(type);

/** What is wrong with the playbooks, by file and line. */
export async function checkPlaybooks(playbooks: readonly Playbook[], known: Known): Promise<PlacedProblem[]> {
  const own = await Promise.all(
    playbooks.map(async (playbook) =>
      [
        ...named(playbook, known),
        ...reviewed(playbook, known.now),
        ...(await findings(playbook, playbooks, known)),
        ...sections(playbook),
        ...placeholders(playbook),
        ...links(playbook),
        ...blocks(playbook),
        ...commands(playbook, known.program),
      ].map((problem) => ({ file: playbook.file, ...problem })),
    ),
  );
  const scripts = known.scripts.flatMap(({ file, text }) =>
    sourced(text, known.program).map((problem) => ({ file, ...problem })),
  );
  return [...own.flat(), ...scripts, ...unanswered(playbooks, known.actions)].sort(
    (one, other) => one.file.localeCompare(other.file) || one.line - other.line,
  );
}

/** What a playbook names is there. */
function named(playbook: Playbook, { actions, simulations, runbooks }: Known): Problem[] {
  const { id, file, remediations, simulation, csf, lineOf } = playbook;
  const unknown = (key: string, names: readonly string[], known: readonly string[], what: string): Problem[] =>
    names.flatMap((name, index) => {
      if (known.includes(name)) return [];
      const line = lineOf(key, index);
      return [
        { line, path: key, wrong: `there is no ${what} ${name}`, write: nearest(name, known) ?? 'one that there is' },
      ];
    });
  const ids = actions.map((action) => action.id);
  return [
    ...(file === playbookFile(id)
      ? []
      : [{ line: lineOf('id'), path: 'id', wrong: `is not the name of ${file}`, write: 'that without .md' }]),
    ...unknown('remediations', remediations, ids, 'remediation'),
    ...unknown('runbooks', playbook.runbooks, runbooks, 'runbook'),
    ...(simulation === undefined ? [] : unknown('simulation', [simulation], simulations, 'scenario')),
    ...unknown('csf', csf, CSF, 'subcategory of the NIST CSF 2.0'),
  ];
}

/** Somebody went through it lately. */
function reviewed({ reviewed: day, lineOf }: Playbook, now: Date): Problem[] {
  const days = Math.floor((now.getTime() - Date.parse(day)) / DAY_MS);
  const at = { line: lineOf('reviewed'), path: 'reviewed' };
  if (days < 0) return [{ ...at, wrong: `${day} is yet to come`, write: 'the day of the last review' }];
  if (days <= LONGEST_UNREVIEWED) return [];
  const write = 'the day on which you went through it, once you have';
  return [{ ...at, wrong: `was ${days} days ago, and ${LONGEST_UNREVIEWED} are the most`, write }];
}

/** Its finding types are there, lead to no other page, and what answers them is named. */
async function findings(playbook: Playbook, playbooks: readonly Playbook[], { actions }: Known): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const { source, type } of typesOf(playbook)) {
    const index = playbook.findings[source]?.indexOf(type) ?? 0;
    const at = { line: playbook.lineOf('findings', source, index), path: `findings.${source}` };
    const others = playbooks.filter((other) => other.id !== playbook.id && other.findings[source]?.includes(type));
    for (const { file } of others)
      problems.push({ ...at, wrong: `${type} leads to ${file} too`, write: 'it in one of them' });
    if (!(await isFindingType(source, type))) {
      const write = nearest(type, listedTypes(source)) ?? 'one of scripts/playbooks/finding-types.ts';
      problems.push({ ...at, wrong: `${source} has no finding type ${type}`, write });
    }
  }
  for (const { id, handles } of actions) {
    if (playbook.remediations.includes(id)) continue;
    const answered = typesOf(playbook).find(({ source, type }) => handles.some((each) => isAbout(each, source, type)));
    if (!answered) continue;
    const at = { line: playbook.lineOf('remediations'), path: 'remediations' };
    problems.push({ ...at, wrong: `lacks what answers ${answered.type}`, write: id });
  }
  return problems;
}

/** Every finding type with a response has a page. */
function unanswered(playbooks: readonly Playbook[], actions: readonly Action[]): PlacedProblem[] {
  return actions.flatMap(({ id, handles }) =>
    handles.flatMap(({ source, types }) =>
      types
        .filter(
          (type) => !playbooks.some((each) => typesOf(each).some((one) => one.source === source && one.type === type)),
        )
        .map((type) => ({
          ...{ file: `functions/${id.replace('.', '/')}.ts`, line: 1, path: `handles ${source}` },
          ...{ wrong: `no playbook names ${type}`, write: `it into the findings of a page in ${PLAYBOOKS}/` },
        })),
    ),
  );
}
