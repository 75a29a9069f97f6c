import { CreateScheduleCommand, DeleteScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import type { SessionConfig } from '../engine/aws/session.ts';
import type { SimulateRequest } from './requests.ts';
import type { Run } from './run.ts';

/** What the dead-man timer needs: ARNs of the function that it calls, and of the role in which it does. */
export interface TimerSettings {
  readonly function: string;
  readonly role: string;
}

/** By its name: a bundle need not have the class of every error. */
const isCalled = (name: string, error: unknown): boolean => error instanceof Error && error.name === name;

const nameOf = ({ id }: Pick<Run, 'id'>): string => `firebreak-run-${id}`;

/**
 * The dead-man timer: a one-shot schedule, there before anything is made wrong, that has the run cleaned up when its time is over,
 * whatever became of the process that ran it.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#one-time
 */
export class Timer {
  readonly #client: SchedulerClient;
  readonly #settings: TimerSettings;

  constructor(session: SessionConfig, settings: TimerSettings) {
    this.#client = new SchedulerClient(session);
    this.#settings = settings;
  }

  /** Sets the timer of a run; one that is set stays. */
  async set(run: Run): Promise<void> {
    const expire: SimulateRequest = { do: 'expire', run: run.id };
    try {
      await this.#client.send(
        new CreateScheduleCommand({
          Name: nameOf(run),
          Description: `Cleans up after ${run.scenario} in ${run.place.account}`,
          // Whole seconds; the expression has no time zone of its own.
          ScheduleExpression: `at(${new Date(run.expiresAt).toISOString().slice(0, 19)})`,
          ScheduleExpressionTimezone: 'UTC',
          FlexibleTimeWindow: { Mode: 'OFF' },
          ActionAfterCompletion: 'DELETE',
          Target: { Arn: this.#settings.function, RoleArn: this.#settings.role, Input: JSON.stringify(expire) },
        }),
      );
    } catch (error) {
      if (!isCalled('ConflictException', error)) throw error;
    }
  }

  /** Takes the timer of a run away, if it is there. */
  async clear(run: Pick<Run, 'id'>): Promise<void> {
    try {
      await this.#client.send(new DeleteScheduleCommand({ Name: nameOf(run) }));
    } catch (error) {
      if (!isCalled('ResourceNotFoundException', error)) throw error;
    }
  }
}
