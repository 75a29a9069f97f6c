import type { Declaration } from '../../engine/remediation.ts';
import type { Judgement } from '../judge.ts';
import type { Scenario } from '../scenario.ts';
import { TECHNIQUES } from './frameworks.ts';

/** What a report has to know of a remediation of the catalogue. */
export type Handler = Pick<Declaration<unknown, unknown>, 'id' | 'title' | 'handles'>;

/** Finding types of a source that belong together. */
export interface Family {
  readonly source: string;
  /** `Backdoor:EC2` of GuardDuty, `S3` of Security Hub. */
  readonly family: string;
  /** Types that the catalogue responds to. */
  readonly types: readonly string[];
  /** Those of them that were found in a run. */
  readonly exercised: readonly string[];
}

export interface Coverage {
  readonly families: readonly Family[];
  readonly techniques: readonly { readonly id: string; readonly name?: string; readonly exercised: boolean }[];
  readonly remediations: readonly { readonly id: string; readonly title: string; readonly exercised: boolean }[];
}

/**
 * What runs of one fidelity exercised of what there is: finding types that were found, responses that came, and techniques of
 * scenarios that were run to their end.
 * @param scenarios all there are, whether they were run or not
 */
export function coverageOf(
  judgements: readonly Judgement[],
  catalogue: readonly Handler[],
  scenarios: readonly Scenario[],
): Coverage {
  const over = judgements.filter(({ verdict }) => verdict !== 'stopped' && verdict !== 'running');
  const found = new Set(
    judgements.flatMap(({ findings }) =>
      findings.filter(({ status }) => status !== 'missed').map(({ source, type }) => `${source} ${type}`),
    ),
  );
  const types = catalogue
    .flatMap(({ handles }) => handles)
    .flatMap((trigger) => trigger.types.map((type) => ({ source: trigger.source, type })));
  const responded = new Set(
    judgements.flatMap(({ responses }) =>
      responses.filter(({ status }) => status !== 'missed').map(({ remediation }) => remediation),
    ),
  );
  const ran = new Set(over.map(({ scenario }) => scenario));
  const techniques = new Set(scenarios.filter(({ id }) => ran.has(id)).flatMap(({ attack }) => attack));
  return {
    families: [...Map.groupBy(types, ({ source, type }) => `${source} ${familyOf(source, type)}`)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, members]) => {
        const [{ source, type } = { source: '', type: '' }] = members;
        const all = [...new Set(members.map((member) => member.type))].sort();
        return {
          source,
          family: familyOf(source, type),
          types: all,
          exercised: all.filter((each) => found.has(`${source} ${each}`)),
        };
      }),
    techniques: [...new Set(scenarios.flatMap(({ attack }) => attack))].sort().map((id) => {
      const name = Object.hasOwn(TECHNIQUES, id) ? TECHNIQUES[id] : undefined;
      return { id, exercised: techniques.has(id), ...(name !== undefined && { name }) };
    }),
    remediations: catalogue.map(({ id, title }) => ({ id, title, exercised: responded.has(id) })),
  };
}

/** What of a finding type stands for its like: all before the slash, the dot or the colon that its source separates by. */
function familyOf(source: string, type: string): string {
  if (source === 'guardduty' || source === 'macie') return type.split('/')[0] ?? type;
  if (source === 'securityhub') return type.split('.')[0] ?? type;
  return source === 'cloudtrail' ? (type.split(':')[0] ?? type) : type;
}
