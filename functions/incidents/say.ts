import * as z from 'zod/mini';
import { parseArn } from '../../engine/arn.ts';
import { type Answer, type Asked, type Person, Refusal } from '../../engine/door.ts';
import { isLive, type Opening, type Word } from '../../engine/incidents/course.ts';
import type { Incident } from '../../engine/incidents/incident.ts';
import { isIncidentId } from '../../engine/incidents/items.ts';
import { Conflict, type Incidents, type Joining } from '../../engine/incidents/record.ts';
import { principalOf } from '../../engine/principals.ts';
import type { Json } from '../../engine/state.ts';

export const anArn = () => z.string().check(z.refine((text) => parseArn(text) !== undefined, 'is not an ARN'));

/** A person opens an incident, which is not about them. */
export async function open({ by, body }: Asked<Opening>, incidents: Incidents, joining: Joining): Promise<Answer> {
  assertOutsider(by, { id: 'the incident', subjects: body.subjects });
  return answer(await incidents.open(by.arn, body, joining).catch(refuse));
}

/** A person says something of an incident. Whom it is about has no say in it. */
export async function say({ by, path: { id = '' } }: Asked<object>, word: Word, incidents: Incidents): Promise<Answer> {
  const known = isIncidentId(id) ? await incidents.find(id) : undefined;
  if (!known) throw new Refusal(404, 'there is no such incident', 'look for it: firebreak incident list');
  assertOutsider(by, known);
  return answer((await incidents.say(id, by.arn, word).catch(refuse)) ?? known);
}

const answer = (incident: Incident): Answer => ({ incident: incident as unknown as Json });

/** @throws {Refusal} when it is about the person who asks */
function assertOutsider({ arn }: Person, { id, subjects }: Pick<Incident, 'id' | 'subjects'>): void {
  const person = principalOf(arn);
  if (!subjects.some((subject) => principalOf(subject) === person)) return;
  throw new Refusal(403, `${id} is about ${arn}`, 'ask somebody else to look at it');
}

function refuse(error: unknown): never {
  if (!(error instanceof Conflict)) throw error;
  const { id } = error.incident;
  throw new Refusal(
    409,
    error.message,
    isLive(error.incident)
      ? `see firebreak incident show ${id}`
      : `say what is left to be said: firebreak incident note ${id}`,
  );
}
