import { tookBack } from '../../engine/facts.ts';
import { freezeFor, windowOf } from '../../engine/guards/freeze.ts';
import { inForce } from '../../engine/guards/hold.ts';
import type { Breaker, Kind } from '../../engine/ledger/budgets.ts';
import { type Hold, leaseKey } from '../../engine/ledger/ledger.ts';
import type { Instruction } from '../../engine/messages.ts';
import type { SweepNotice } from '../../engine/notify/sweep-page.ts';
import { budgetOf, exceptionFor } from '../../engine/policy.ts';
import type { Response } from '../../engine/response.ts';
import { targetKey } from '../../engine/targets.ts';
import { type Concern, DAY_MS, FARTHEST_DAYS, isFresh, isIdle, type SweptHouse } from './concern.ts';

/** Guards whose word ends by itself. What a remediation excepts for reasons of its own has no guard. */
const PASSING = ['exception', 'hold'];
/** Responses that a notice names. */
const MOST_NAMED = 20;
/** No two daily sweeps are a day apart to the second: what would be told the day after is told an hour before. */
const EARLY_MS = 3_600_000;

/** What is not tried again yet, and why, in words. */
interface Kept {
  readonly response: Response;
  readonly by: string;
}

/**
 * What was deferred, or excepted or taken back for a time, is tried again when nothing keeps it back any more: neither what it met
 * then nor what came since. Of all tellings of a finding on a resource only the newest counts, however it ended, and what only
 * looked or took nothing back is none. So the one that comes of a retry takes the place of the one before, and none is retried
 * twice; what is older than the newest is never retried.
 */
export function retries(house: SweptHouse): Concern {
  const { policy, at } = house;
  const newest = new Set<string>();
  const candidates: Response[] = [];
  const breakers = new Map<string, Promise<Breaker | undefined>>();

  const breakerOf = (kind: Kind): Promise<Breaker | undefined> => {
    const key = nameOf(kind);
    const known = breakers.get(key) ?? house.breaker(kind);
    breakers.set(key, known);
    return known;
  };

  const holdOn = ({ remediation, target }: Response): Promise<Hold | undefined> =>
    house.holds.get(leaseKey(remediation, targetKey(target)));

  /** What keeps a response back, in words. The kill switch is asked for once, before. */
  async function keptBy(response: Response): Promise<string | undefined> {
    const { remediation, target, finding } = response;
    const { account } = target;
    const exception = exceptionFor(policy, remediation, target, at);
    if (exception) return `the exception of ${exception.owner} until ${exception.expires}`;
    const freeze = freezeFor(policy, { remediation, account, severity: finding.severity }, at);
    if (freeze) return `freeze ${freeze.name} ${windowOf(freeze)}`;
    if (await breakerOf({ remediation, account })) return `the open breaker of ${remediation} in ${account}`;
    const hold = await holdOn(response);
    return hold && inForce(hold, at) ? `the hold of ${hold.by} until ${hold.until}` : undefined;
  }

  function openBreakers(known: readonly (readonly [string, Breaker | undefined])[]): SweepNotice[] {
    return known.flatMap(([kind, breaker]) =>
      breaker
        ? [{ label: 'Breaker open', value: `${kind} since ${breaker.at}`, fresh: isFresh(breaker.at, house) }]
        : [],
    );
  }

  return {
    see(response) {
      const { remediation, target, finding } = response;
      const key = JSON.stringify([remediation, targetKey(target), finding.source, finding.id]);
      if (newest.has(key) || isIdle(response)) return;
      newest.add(key);
      if (mayPass(response)) candidates.push(response);
    },

    async find(failed) {
      const why = await house.stopped();
      const kept: Kept[] = [];
      const free: Response[] = [];
      for (const response of candidates.toReversed()) {
        try {
          // Taken back without a hold, which would end: only the next telling has it fixed.
          if (tookBack(response) && !(await holdOn(response))) continue;
          const by = why === undefined ? await keptBy(response) : `the kill switch: ${why}`;
          if (by === undefined) free.push(response);
          else kept.push({ response, by });
        } catch (error) {
          failed(`what keeps ${response.id} back`, error);
        }
      }
      const allowed = new Set(withinBudget(free, house));
      const next = free.filter((response) => !allowed.has(response));
      const known = await Promise.all(
        [...breakers].map(async ([kind, read]) => [kind, await read.catch(() => undefined)] as const),
      );
      const deferred = kept.filter(({ response }) => response.outcome === 'deferred');
      return {
        instructions: [...allowed].map(({ id }): Instruction => ({ do: 'again', response: id })),
        counts: { retried: allowed.size, nextTime: next.length, deferred: deferred.length },
        notices: [
          ...outOfSight([...kept, ...next.map((response) => ({ response, by: 'the budget of an hour' }))], house),
          ...longDeferred(deferred, house),
          ...openBreakers(known),
        ],
      };
    },
  };
}

/** What a person ran by name, and took back, no finding asks for again. */
const mayPass = (response: Response): boolean => {
  const { outcome, guard = '', finding } = response;
  if (outcome === 'excepted') return PASSING.includes(guard);
  return outcome === 'deferred' || (tookBack(response) && finding.source !== 'operator');
};

const nameOf = ({ remediation, account }: Kind): string => `${remediation} in ${account}`;

/**
 * So many at once as leave half of a kind's budget to what comes by itself, oldest first: a breaker that a person has just closed
 * is not opened again by all that waited behind it. The others have their turn an hour later.
 */
const withinBudget = (free: readonly Response[], { policy }: SweptHouse): Response[] =>
  [...Map.groupBy(free, ({ remediation, target: { account } }) => nameOf({ remediation, account })).values()].flatMap(
    (own) => own.slice(0, Math.ceil(budgetOf(policy, own[0]?.remediation ?? '').perHour / 2)),
  );

/** News on the day after they were deferred. */
function longDeferred(deferred: readonly Kept[], house: SweptHouse): SweepNotice[] {
  const old = deferred.filter(({ response }) => !isFresh(response.startedAt, house));
  const isNew = (startedAt: string): boolean => house.at.getTime() - Date.parse(startedAt) < 2 * DAY_MS;
  return [...Map.groupBy(old, ({ by }) => by)].map(([by, own]) => ({
    label: 'Deferred for more than a day',
    value: `${own.length} by ${by}`,
    fresh: own.some(({ response }) => isNew(response.startedAt)),
  }));
}

/** What tomorrow's sweep does not see any more, so that nobody would try it again. */
function outOfSight(waiting: readonly Kept[], { at }: SweptHouse): SweepNotice[] {
  const lastDay = at.getTime() - (FARTHEST_DAYS - 1) * DAY_MS + EARLY_MS;
  const leaving = waiting.filter(({ response }) => Date.parse(response.startedAt) < lastDay);
  return [...Map.groupBy(leaving, ({ by }) => by)].map(([by, own]) => {
    const named = own.slice(0, MOST_NAMED).map(({ response }) => response.id);
    const more = own.length > named.length ? ` and ${own.length - named.length} more` : '';
    return {
      label: 'Out of sight tomorrow',
      value: `${own.length} (${named.join(', ')}${more}) by ${by}`,
      fresh: true,
    };
  });
}
