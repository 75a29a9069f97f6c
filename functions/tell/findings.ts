import type { Logger } from '@aws-lambda-powertools/logger';
import { parseArn } from '../../engine/arn.ts';
import { TransientError } from '../../engine/errors.ts';
import type { Memory } from './memory.ts';
import type { Ended } from './news.ts';
import { type FindingUpdate, findingKey, type SecurityHub } from './security-hub.ts';
import { afterTelling, counted, due, type Tally } from './tally.ts';

/** Times that a finding is counted anew when another shard counts for it at the same moment. */
const ROUNDS = 5;

/** A response to a finding that Security Hub CSPM keeps; the new Security Hub's, in OCSF, are not updated. */
export interface Answer {
  readonly response: Ended;
  readonly finding: { readonly id: string; readonly productArn: string };
}

/** The finding of a response, when it is one that BatchUpdateFindings takes. */
export function answerOf(response: Ended): Answer | undefined {
  const { source, id, productArn } = response.finding;
  const isAsff = productArn !== undefined && parseArn(productArn)?.resource.startsWith('product/');
  return source === 'securityhub' && isAsff ? { response, finding: { id, productArn } } : undefined;
}

/**
 * Counts responses for their findings, and tells Security Hub what it does not know yet.
 *
 * Told first, then remembered, on the condition that nobody counted meanwhile: whoever comes second counts again with what the
 * first one knew, so that the last thing told is what all of them know. Killed in between, it is told again, with the same words.
 *
 * @param answers oldest first
 * @returns by `findingKey`, what went wrong and may go right another time
 */
export async function tellFindings(
  answers: readonly Answer[],
  {
    memory,
    hub,
    titleOf,
    logger,
  }: { memory: Memory; hub: SecurityHub; titleOf: (id: string) => string; logger: Logger },
): Promise<ReadonlyMap<string, unknown>> {
  const failed = new Map<string, unknown>();
  let open = Map.groupBy(answers, ({ finding }) => findingKey(finding));
  for (let round = 0; open.size > 0 && round < ROUNDS; round += 1) {
    const found = await attempt(open, failed, (key, about) => look(key, about, memory, titleOf));
    const updates = found.map(({ update }) => update).filter((update) => update !== undefined);
    const refused = await hub.update(updates, ({ id, productArn }, code) =>
      logger.warn('a finding cannot be updated', { finding: id, productArn, code }),
    );
    for (const [key, error] of refused) failed.set(key, error);
    const told = new Map(found.filter(({ key }) => !refused.has(key)).map((each) => [each.key, each]));
    const kept = await attempt(told, failed, async (key, { before, tally, update, version }) => ({
      key,
      done:
        tally === before || (tally && (await memory.keep(key, update ? afterTelling(tally, update) : tally, version))),
    }));
    const behind = new Set(kept.filter(({ done }) => !done).map(({ key }) => key));
    open = new Map([...open].filter(([key]) => behind.has(key)));
  }
  for (const key of open.keys()) failed.set(key, new TransientError('its responses are counted by many at once'));
  return failed;
}

interface Look {
  readonly key: string;
  readonly before: Tally | undefined;
  readonly tally: Tally | undefined;
  readonly version: number;
  readonly update: FindingUpdate | undefined;
}

async function look(
  key: string,
  answers: readonly Answer[],
  memory: Memory,
  titleOf: (id: string) => string,
): Promise<Look> {
  const { tally: before, version } = await memory.tally(key);
  const tally = answers.reduce<Tally | undefined>((all, { response }) => counted(all, response), before);
  const update = tally && due(tally, titleOf);
  const [answer] = answers;
  return { key, before, tally, version, update: update && answer && { ...answer.finding, ...update } };
}

/** Does it for each at once; answers what came of it where it did not fail. */
async function attempt<T, R>(
  all: ReadonlyMap<string, T>,
  failed: Map<string, unknown>,
  work: (key: string, each: T) => Promise<R>,
): Promise<R[]> {
  const results = await Promise.all(
    [...all].map(async ([key, each]) => {
      try {
        return [await work(key, each)];
      } catch (error) {
        failed.set(key, error);
        return [];
      }
    }),
  );
  return results.flat();
}
