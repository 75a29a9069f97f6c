import {
  type AwsSecurityFindingIdentifier,
  BatchUpdateFindingsCommand,
  GetFindingsCommand,
  InvalidAccessException,
  SecurityHubClient,
} from '@aws-sdk/client-securityhub';
import { parseArn } from '../../engine/arn.ts';
import type { SessionConfig } from '../../engine/aws/session.ts';
import { chunks } from '../../engine/chunks.ts';
import { NOTED_BY } from '../../engine/notify/messages.ts';
import type { Update } from './tally.ts';

/** An update of one finding. */
export interface FindingUpdate extends Update {
  readonly id: string;
  readonly productArn: string;
}

/** Findings that BatchUpdateFindings takes, and values that a filter of GetFindings does. */
const BATCH = 100;
const FILTER_VALUES = 20;

/** https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindingsUnprocessedFinding.html */
const LASTING = new Set(['FindingNotFound', 'FindingSizeExceeded', 'InvalidInput']);
/** What says that a finding is not kept here: it is unknown, or Security Hub is not enabled. */
const NOT_HERE = new Set(['FindingNotFound', 'InvalidAccessException']);

/** What names a finding over all products. */
export const findingKey = ({ id, productArn }: { id: string; productArn: string }): string =>
  JSON.stringify([productArn, id]);

/**
 * Tells Security Hub of many findings in few calls: it takes one note for all of a call, so that equal updates go together.
 *
 * The calls go to our own Region, which is that of the administrator's aggregation where there is one: Security Hub carries the
 * updates to the linked Regions. A finding that is not kept there is looked for in the Region of its product. Where another account
 * is the administrator, Security Hub need not be enabled in ours: then no finding is kept here, and none is updated.
 * https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-update-types.html
 */
export class SecurityHub {
  readonly #home: string;
  readonly #session: (region: string) => SessionConfig;
  readonly #clients = new Map<string, SecurityHubClient>();

  constructor(home: string, session: (region: string) => SessionConfig) {
    this.#home = home;
    this.#session = session;
  }

  /**
   * @param dropped is told of findings that cannot be updated, and why
   * @returns by `findingKey`, what went wrong and may go right another time
   */
  async update(
    updates: readonly FindingUpdate[],
    dropped: (update: FindingUpdate, code: string) => void,
  ): Promise<ReadonlyMap<string, unknown>> {
    const failed = new Map<string, unknown>();
    const unknown: FindingUpdate[] = [];
    await this.#updateIn(this.#home, updates, failed, (update, code) => {
      if (NOT_HERE.has(code) && regionOf(update) !== this.#home) unknown.push(update);
      else dropped(update, code);
    });
    for (const [region, elsewhere] of Map.groupBy(unknown, regionOf)) {
      await this.#updateIn(region, elsewhere, failed, dropped);
    }
    return failed;
  }

  async #updateIn(
    region: string,
    updates: readonly FindingUpdate[],
    failed: Map<string, unknown>,
    dropped: (update: FindingUpdate, code: string) => void,
  ): Promise<void> {
    const allowed = await this.#withoutOthersWord(region, updates, failed, dropped);
    const alike = Map.groupBy(allowed, ({ note, status }) => JSON.stringify([note, status]));
    // One after the other: ten a second are allowed, and so many notes are rarely different.
    for (const batch of [...alike.values()].flatMap((all) => chunks(all, BATCH))) {
      const [{ note, status } = { note: '' }] = batch;
      try {
        const { UnprocessedFindings = [] } = await this.#client(region).send(
          new BatchUpdateFindingsCommand({
            FindingIdentifiers: batch.map(identifier),
            Note: { Text: note, UpdatedBy: NOTED_BY },
            ...(status && { Workflow: { Status: status } }),
          }),
        );
        for (const { FindingIdentifier, ErrorCode = '', ErrorMessage } of UnprocessedFindings) {
          const update = batch.find(
            ({ id, productArn }) => id === FindingIdentifier?.Id && productArn === FindingIdentifier.ProductArn,
          );
          if (!update) continue;
          if (LASTING.has(ErrorCode)) dropped(update, ErrorCode);
          else failed.set(findingKey(update), new Error(`Security Hub: ${ErrorCode}: ${ErrorMessage}`));
        }
      } catch (error) {
        refused(batch, error, failed, dropped);
      }
    }
  }

  /**
   * A status of ours takes the place of NEW and of NOTIFIED, and of nobody's word: what a person suppressed, or Security Hub resolved
   * since, gets the note alone. A fix may come days after its finding, by an approval.
   */
  async #withoutOthersWord(
    region: string,
    updates: readonly FindingUpdate[],
    failed: Map<string, unknown>,
    dropped: (update: FindingUpdate, code: string) => void,
  ): Promise<readonly FindingUpdate[]> {
    const settled = new Set<string>();
    const unread = new Set<FindingUpdate>();
    for (const batch of chunks(
      updates.filter(({ status }) => status !== undefined),
      FILTER_VALUES,
    )) {
      try {
        const { Findings = [] } = await this.#client(region).send(
          new GetFindingsCommand({
            Filters: {
              Id: batch.map(({ id }) => ({ Value: id, Comparison: 'EQUALS' })),
              WorkflowStatus: ['SUPPRESSED', 'RESOLVED'].map((Value) => ({ Value, Comparison: 'EQUALS' })),
            },
            MaxResults: BATCH,
          }),
        );
        for (const { Id: id = '', ProductArn: productArn = '' } of Findings)
          settled.add(findingKey({ id, productArn }));
      } catch (error) {
        refused(batch, error, failed, dropped);
        for (const update of batch) unread.add(update);
      }
    }
    return updates
      .filter((update) => !unread.has(update))
      .map((update) => (settled.has(findingKey(update)) ? withoutStatus(update) : update));
  }

  #client(region: string): SecurityHubClient {
    const client = this.#clients.get(region) ?? new SecurityHubClient(this.#session(region));
    this.#clients.set(region, client);
    return client;
  }
}

/** A call failed for all of a batch: for as long as Security Hub is not enabled there, or this time. */
function refused(
  batch: readonly FindingUpdate[],
  error: unknown,
  failed: Map<string, unknown>,
  dropped: (update: FindingUpdate, code: string) => void,
): void {
  for (const update of batch) {
    if (error instanceof InvalidAccessException) dropped(update, error.name);
    else failed.set(findingKey(update), error);
  }
}

const identifier = ({ id, productArn }: FindingUpdate): AwsSecurityFindingIdentifier => ({
  Id: id,
  ProductArn: productArn,
});
const regionOf = ({ productArn }: FindingUpdate): string => parseArn(productArn)?.region ?? '';
const withoutStatus = ({ status: _, ...update }: FindingUpdate): FindingUpdate => update;
