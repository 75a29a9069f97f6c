import { jsonText } from '../../engine/notify/encoders.ts';
import { type Exercise, reportOf } from './exercise.ts';

/** The after-action report of an exercise for programs: all that the page tells, with the records of the runs. */
export const jsonReport = (exercise: Exercise): string => {
  const { levels, ...report } = reportOf(exercise);
  return `${jsonText({
    ...report,
    levels: levels.map(({ runs, ...level }) => ({
      ...level,
      runs: runs.map(({ scenario: { id, title, objectives, attack, csf, judgedBy }, ...told }) => ({
        ...told,
        scenario: { id, title, objectives, attack, csf, judgedBy },
      })),
    })),
  })}\n`;
};
