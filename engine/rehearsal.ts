import type { Finding } from './findings/finding.ts';
import type { Target } from './remediation.ts';

/** The id of a simulation's run: ten letters and digits, so that names with it are names of buckets too. */
export const RUN_ID = /^[a-z2-7]{10}$/;

/** What every name of a run begins with. */
export const runPrefix = (run: string): string => `firebreak-sim-${run}-`;

const OF_A_RUN = new RegExp(`^${runPrefix('([a-z2-7]{10})')}`);
/** As which the simulator acts in a sandbox: its role there, and a session named for the run. */
const ACTED_AS = /^arn:[a-z-]+:sts::(\d{12}):assumed-role\/firebreak-simulate\/firebreak-sim-([a-z2-7]{10})$/;

/**
 * The run that made a resource, or did what is told of it. Whoever can name a resource can name it so: it is believed in accounts
 * alone in which things may be broken on purpose.
 * @param principal who did it
 * @param sandboxes those accounts
 */
export function runOf(
  { id, account }: Target,
  principal: string | undefined,
  sandboxes: readonly string[],
): string | undefined {
  if (!sandboxes.includes(account)) return undefined;
  const [, home, run] = ACTED_AS.exec(principal ?? '') ?? [];
  return OF_A_RUN.exec(id)?.[1] ?? (home === account ? run : undefined);
}

/** Parameters in the place of the policy's own, by id of the remediation. */
export type Judgement = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * Why a target is not to be judged by the parameters that a simulation gave with its finding: what no run made is judged by the
 * policy alone. EC2 and others choose ids themselves, so that theirs never are.
 */
export function misjudged({ arn, id }: Target, { judgedBy }: Finding): string | undefined {
  if (!judgedBy || OF_A_RUN.test(id)) return undefined;
  return `parameters of a simulation count only for what a run made and named ${runPrefix('<run>')}*, not for ${arn}`;
}
