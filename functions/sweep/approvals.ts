import type { Instruction } from '../../engine/messages.ts';
import { approvalEnds } from '../../engine/policy.ts';
import { decisionOf, type Response } from '../../engine/response.ts';
import { type Concern, isFresh, type SweptHouse } from './concern.ts';

/** Milliseconds after which a decision that was not followed is lost: its worker could not be told. */
const LOST_MS = 10 * 60_000;

/** Plans that wait for a person: those on which nobody decided in time expire, and what was decided reaches its worker. */
export function approvals(house: SweptHouse): Concern {
  const { ledger, policy, at } = house;
  const waiting: Response[] = [];
  let expiredLately = 0;

  async function due(response: Response): Promise<Instruction | undefined> {
    const record = await ledger.get(response.id);
    const decision = record && decisionOf(record);
    if (decision) {
      const lost = at.getTime() - Date.parse(decision.at) > LOST_MS;
      return lost ? { do: decision.verb, response: response.id } : undefined;
    }
    return record && approvalEnds(response, policy) <= at ? { do: 'expire', response: response.id } : undefined;
  }

  return {
    see(response) {
      if (response.outcome === 'awaiting-approval') waiting.push(response);
      if (response.outcome === 'expired' && isFresh(response.finishedAt, house)) expiredLately += 1;
    },
    async find(failed) {
      const instructions: Instruction[] = [];
      for (const response of waiting) {
        try {
          instructions.push(...[await due(response)].filter((one) => one !== undefined));
        } catch (error) {
          failed(`response ${response.id}`, error);
        }
      }
      const expired = instructions.filter((one) => one.do === 'expire').length;
      const value = `${expired + expiredLately}, and what they would have closed may be open`;
      return {
        instructions,
        counts: { expired, toldAgain: instructions.length - expired },
        notices: expired + expiredLately > 0 ? [{ label: 'Approvals expired', value, fresh: true }] : [],
      };
    },
  };
}
