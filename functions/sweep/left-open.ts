import type { Instruction } from '../../engine/messages.ts';
import type { Response, ResponseRecord } from '../../engine/response.ts';
import type { Concern, SweptHouse } from './concern.ts';

/** Milliseconds without a word after which nobody works on a response any more: far longer than a lease. */
const QUIET_MS = 30 * 60_000;

/** Responses that began and did not end, and nothing happens in them: their worker goes on with them. */
export function leftOpen({ ledger, at }: SweptHouse): Concern {
  const isQuiet = (time: string): boolean => at.getTime() - Date.parse(time) > QUIET_MS;
  const open: Response[] = [];
  return {
    see(response) {
      if (!response.outcome && isQuiet(response.startedAt)) open.push(response);
    },
    async find(failed) {
      const instructions: Instruction[] = [];
      for (const { id } of open) {
        try {
          const record = await ledger.get(id);
          // One that was approved began long ago, and goes on since then.
          if (record && !record.response.outcome && lastWords(record).every(isQuiet)) {
            instructions.push({ do: 'resume', response: id });
          }
        } catch (error) {
          failed(`response ${id}`, error);
        }
      }
      return { instructions, counts: { resumed: instructions.length }, notices: [] };
    },
  };
}

const lastWords = ({ orders, timeline }: ResponseRecord): string[] => [...orders, ...timeline].map(({ at }) => at);
