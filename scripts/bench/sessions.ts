import { randomUUID } from 'node:crypto';
import { AssumedSessions } from '../../engine/aws/sessions.ts';
import { readActions } from '../../engine/pipeline.ts';
import { respond } from '../../engine/respond.ts';
import { responseId } from '../../engine/targets.ts';
import { CLOUD_ENDPOINT, MEMBER_ACCOUNTS, REGIONS } from '../../local/connection.ts';
import type { Contract } from '../../local/contract.ts';
import { contractsOf } from '../../local/contracts.ts';
import { deployedHouse } from '../../local/house.ts';
import { type SessionSize, sizeCells, sizeOf } from '../../local/session-proofs.ts';
import { loadWorkers, type Worker } from '../workers.ts';
import type { Bench } from './bench.ts';
import { atMost, type Measurement } from './measurement.ts';

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length */
const CHARACTERS = 2_048;
/** The packed size depends on the ids that a plan names, which are others each time. */
const STEP = 5;

/** Fixes the largest specimen as the deployed worker does, and looks at the sessions that STS gave for it. */
async function sizeFor(
  bench: Bench,
  { remediations, name: worker }: Worker,
  { action, specimens }: Contract,
  index: number,
): Promise<SessionSize> {
  const { connection } = await bench.cloud();
  const specimen = specimens[index];
  if (!specimen) throw new Error(`${action.id} has no specimen ${index + 1}`);
  const house = await deployedHouse(connection, action, specimen.parameters);
  const account = await connection.account(MEMBER_ACCOUNTS[0], REGIONS[1]);
  const { target, finding } = await specimen.expose(account, `t${randomUUID().slice(0, 8)}`, 'largest');
  const message = randomUUID();
  const id = responseId(action.id, target, message);
  const sessions = new AssumedSessions(house.home, worker, readActions(remediations));
  const response = await respond({ id, action, target, finding, correlation: message }, { ...house, sessions });
  if (response.outcome !== 'verified')
    throw new Error(`${action.id} on ${target.id} ended ${response.outcome}: ${response.reason}`);
  return sizeOf(await connection.doors.sessions(id));
}

/** How much of what STS takes the largest plan of each remediation needs. */
export const sessions: Measurement = {
  name: 'sessions',
  about: 'size of the session policies for the largest plans',
  page: 'sessions',
  async measure(bench) {
    const environment = { ...process.env };
    process.env[CLOUD_ENDPOINT] = (await bench.cloud()).endpoint;
    const rows: string[][] = [];
    let longest = 0;
    try {
      for (const worker of await loadWorkers()) {
        for (const contract of await contractsOf(worker.remediations.map(({ id }) => id))) {
          const { id } = contract.action;
          for (const index of contract.specimens.keys()) {
            bench.progress(`measuring the session policies of ${id}`);
            const size = await sizeFor(bench, worker, contract, index);
            const packed = Math.ceil(size.packed / STEP) * STEP;
            rows.push([...sizeCells(id, index + 1, size), `up to ${packed} %`]);
            longest = Math.max(longest, size.characters);
          }
        }
      }
    } finally {
      process.env = environment;
    }
    return {
      title: 'The largest plans',
      body: [
        'The largest plan that the test of each remediation makes: as many interfaces, rules, accounts or characters as the quotas of AWS allow. Characters are of the longest policy that was sent, with the reads of the whole worker in it, as deployed. A plan whose policy would be longer than STS takes is written in one session for each part.',
        {
          head: ['remediation', 'specimen', 'sessions', 'characters', 'PackedPolicySize'],
          rows,
        },
        "AWS does not say how it packs policies: PackedPolicySize is the embedded cloud's guess (the deflated policy against 1,024 bytes), rounded up because it depends on the ids in the policy. What STS refuses as too large, whatever its characters, is split like what is too long.",
      ],
      figures: [atMost('characters of the longest session policy', longest, CHARACTERS)],
    };
  },
};
