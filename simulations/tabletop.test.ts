import { describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import * as scenarios from './scenarios.ts';
import { exerciseIds, exerciseOf, readExercise } from './tabletop.ts';

test('there is an exercise', () => {
  expect(exerciseIds()).toContain('customer-data-leak');
});

describe.each(exerciseIds())('the exercise %s', (id) => {
  const exercise = readExercise(id);

  test('tells of a scenario that there is, and leaves time between its cards', () => {
    expect(Object.values(scenarios).map((scenario) => scenario.id)).toContain(exercise.scenario);
    const times = exercise.cards.map(({ after }) => after);
    const gaps = times.slice(1).map((after, index) => after - (times[index] ?? 0));
    expect(Math.min(...gaps, exercise.minutes - Math.max(...times))).toBeGreaterThanOrEqual(10);
  });

  test.each(exercise.cards.map((card) => [card.id, card] as const))('asks one decision on the card %s', (_, card) => {
    expect(card.decision.endsWith('?')).toBe(true);
    expect(card.text).not.toContain(card.hint);
  });
});

describe('what is wrong with one is told with its file', () => {
  const whole = {
    ...{ title: 'T', scenario: 'impact.one', minutes: 60, attack: ['T1537'], csf: ['RS.CO-02'] },
    ...{ roles: { lead: 'Decides.' }, objectives: ['To lead.'] },
  };
  const first = {
    ...{ id: 'first', after: 0, audience: ['lead'], decision: 'What now?', hint: 'Look.' },
    rubric: { good: 'g', fair: 'f', poor: 'p' },
  };
  const file = (front: object, text = 'Something happens.') => `---\n${stringify(front)}---\n\n${text}\n`;
  const made = (exercise: object, ...cards: object[]) =>
    exerciseOf('e', {
      'exercise.md': file({ ...whole, ...exercise }),
      ...Object.fromEntries(cards.map((card, index) => [`${['first', 'second'][index]}.md`, file(card)])),
    });

  test('and nothing where nothing is', () => {
    const later = { ...first, id: 'second', after: 20 };
    expect(made({}, first, later)).toMatchObject({ id: 'e', title: 'T', cards: [{ ...first }, { after: 20 }] });
  });

  test.each([
    ['e/exercise.md: no card begins it', {}, { ...first, after: 5 }],
    ['e/exercise.md: roles.legal: no card is for it', { roles: { lead: 'Decides.', legal: 'Knows.' } }, first],
    ['e/exercise.md: csf.0: is not an outcome of CSF 2.0', { csf: ['RS'] }, first],
    ['e/first.md: id: the file is not called other.md', {}, { ...first, id: 'other' }],
    ['e/first.md: after: the exercise takes 60 minutes', {}, { ...first, after: 60 }],
    ['e/first.md: audience: nobody is press', {}, { ...first, audience: ['press'] }],
    ['e/first.md: rubric.poor: ', {}, { ...first, rubric: { good: 'g', fair: 'f' } }],
    ['e/first.md: : Unrecognized key', {}, { ...first, surprise: true }],
  ])('%s', (message, exercise, card) => {
    expect(() => made(exercise, card)).toThrow(message);
  });

  test.each(['', 'No front matter.', '---\nid: first\n', '---\n{\n---\nNot YAML.', file(first, '\n')])(
    'a card that is no card: %j',
    (text) => {
      expect(() => exerciseOf('e', { 'exercise.md': file(whole), 'first.md': text })).toThrow('e/first.md: ');
    },
  );
});
