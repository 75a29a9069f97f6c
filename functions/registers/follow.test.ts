import { describe, expect, test } from '@jest/globals';
import { TransientError } from '../../engine/errors.ts';
import type { IncidentRecord, Register } from '../../engine/incidents/incident.ts';
import { logOf } from '../../engine/log.ts';
import { type FollowedHouse, followAll } from './follow.ts';
import type { Registration, Told } from './registrations.ts';

const AT = '2026-11-26T03:12:00.000Z';
const recordOf = (id: string): IncidentRecord => ({
  incident: {
    id,
    title: 'A bucket is public',
    severity: 'HIGH',
    state: 'open',
    account: '444455556666',
    region: 'eu-west-1',
    subjects: [],
    playbooks: [],
    openedAt: AT,
    changedAt: AT,
  },
  timeline: [{ at: AT, by: 'firebreak', what: 'opened', detail: 'it was not fixed' }],
});

/** A house that remembers in this process; each `overtaken` time, somebody else keeps something first. */
function house({ minutes = 5, overtaken = 0 } = {}) {
  const kept = new Map<string, Told & { readonly version: number }>();
  let others = overtaken;
  const built: FollowedHouse = {
    incidents: { get: async (id) => recordOf(id) },
    registrations: {
      async get(id): Promise<Registration> {
        return { registered: kept.get(id)?.registered, version: kept.get(id)?.version ?? 0 };
      },
      async keep(id, _, known, told) {
        const version = kept.get(id)?.version ?? 0;
        if (others > 0) {
          others -= 1;
          kept.set(id, { registered: { reference: 'theirs', told: 0 }, isBehind: true, version: version + 1 });
          return false;
        }
        if (version !== known.version) return false;
        kept.set(id, { ...told, version: version + 1 });
        return true;
      },
    },
    logger: logOf('test'),
    timeLeft: () => minutes * 60_000,
  };
  built.logger.setLogLevel('SILENT');
  return { built, kept };
}

/** A register that keeps in mind what it was asked. */
function register() {
  const asked: (string | undefined)[] = [];
  const made: Register = {
    name: 'opscenter',
    async tell({ timeline }, known) {
      asked.push(known?.reference);
      return { reference: known?.reference ?? 'ours', told: timeline.length };
    },
  };
  return { made, asked };
}

describe('a register', () => {
  test('that was told by another at the same time is told again, of what that one made', async () => {
    const { built, kept } = house({ overtaken: 1 });
    const { made, asked } = register();
    expect(await followAll(['inc-1'], made, built)).toEqual(new Map());
    expect(asked).toEqual([undefined, 'theirs']);
    expect(kept.get('inc-1')).toMatchObject({ registered: { reference: 'theirs', told: 1 }, isBehind: false });
  });

  test('that others tell all the time is told when they are done', async () => {
    const { built } = house({ overtaken: 100 });
    const failed = await followAll(['inc-1'], register().made, built);
    expect(String(failed.get('inc-1'))).toContain('many at once');
  });

  test('is told nothing more when time is short, and what is left is kept as behind', async () => {
    const { built, kept } = house({ minutes: 1 });
    const { made, asked } = register();
    expect(await followAll(['inc-1', 'inc-2'], made, built)).toEqual(new Map());
    expect(asked).toEqual([]);
    expect([...kept.values()].map(({ isBehind }) => isBehind)).toEqual([true, true]);
  });

  test('that stays away keeps the reason with each that is behind, and is not asked about the rest', async () => {
    const { built, kept } = house();
    const asked: string[] = [];
    const away: Register = {
      name: 'opscenter',
      async tell({ incident: { id } }) {
        asked.push(id);
        throw new TransientError('ThrottlingException');
      },
    };
    expect(await followAll(['inc-1', 'inc-2', 'inc-3'], away, built, true)).toEqual(new Map());
    expect(asked).toEqual(['inc-1', 'inc-2']);
    expect([...kept]).toEqual(
      asked.map((id) => [
        id,
        expect.objectContaining({ isBehind: true, error: expect.stringContaining('Throttling') }),
      ]),
    );
  });
});
