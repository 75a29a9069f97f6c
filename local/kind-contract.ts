import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Kind } from '../simulations/kinds/kind.ts';
import type { Scenario, Stage } from '../simulations/scenario.ts';
import { MEMBER_ACCOUNTS } from './connection.ts';
import { sharedCloud } from './contract.ts';
import type { Account } from './specimen.ts';
import { openStage, type RehearsalStage, sandboxAccount } from './stage.ts';

/** How a kind is tried. */
export interface Sample {
  /** Kinds of what it takes beside. */
  readonly beside?: readonly Kind[];
  /** With what runs make one, where that is not of the kind itself. */
  readonly permissions?: Scenario['permissions'];
  /** Makes one for a run by `stage.make`, in a session that may do no more than the kinds' `own` and this. Answers its id. */
  make(stage: Stage): Promise<string>;
  /** Makes one that is nobody's run's, by the administrator. Answers its id. */
  makeForeign(account: Account): Promise<string>;
  /** Changes of one what the inventory must show. */
  alter(account: Account, id: string): Promise<void>;
  /** Makes one that has the tags of a run's, as a response leaves it. Answers its id. */
  copy?(account: Account, id: string): Promise<string>;
}

/** How services say that IAM does not allow a call. */
const DENIED = /not authorized|Access Denied/i;

/** What every kind promises, tried in an account of its own. */
export function kindContract(kind: Kind, sample: Sample): void {
  describe(`the kind ${kind.type}`, () => {
    const cloud = sharedCloud();
    const environment = { ...process.env };
    let account: Account;
    let stage: RehearsalStage;

    beforeAll(async () => {
      account = await sandboxAccount(cloud);
      const { beside = [], permissions = () => [] } = sample;
      const played = { id: 'kinds.tried', kinds: [...beside, kind], permissions };
      stage = await openStage(cloud, account, MEMBER_ACCOUNTS[1], played);
    });
    afterAll(() => {
      process.env = environment;
    });

    test("finds a run's own, removes it, and leaves all else", async () => {
      const { session, place, run } = stage;
      const foreign = await sample.makeForeign(account);
      const before = await stage.inventory();
      expect(Object.keys(await kind.inventory(session, place))).toEqual([foreign]);
      expect(await kind.left(session, place, run)).toEqual([]);

      const own = await sample.make(stage);
      const made = [own, ...(sample.copy ? [await sample.copy(account, own)] : [])];
      expect((await kind.left(session, place, run)).toSorted()).toEqual(made.toSorted());
      expect(Object.keys(await kind.inventory(session, place)).sort()).toEqual([foreign, ...made].sort());

      await expect(kind.remove(session, place, foreign)).rejects.toThrow(DENIED);
      await stage.cleanUp();
      for (const id of made) await kind.remove(session, place, id);
      expect(await stage.inventory()).toEqual(before);
    });

    test('shows what of one was changed', async () => {
      const id = await sample.makeForeign(account);
      const before = await kind.inventory(stage.session, stage.place);
      await sample.alter(account, id);
      const after = await kind.inventory(stage.session, stage.place);
      expect({ ...after, [id]: before[id] }).toMatchObject({ ...before });
      expect(after[id]).not.toEqual(before[id]);
    });
  });
}
