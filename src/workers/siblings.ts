import type { Answer, Question } from "#src/workers/messages.ts";

/** The processes of one gateway on one machine, as one of them reaches the others: by the process that supervises them. */
export interface Siblings {
  /** The number of this one, from 1. */
  readonly worker: number;
  /** What each of them answers, this one included, in the order of their numbers. Who takes longer than a second is left out. */
  ask(what: Question, detail?: string): Promise<Answer[]>;
  /** How this one answers; the detail is empty where none was given. */
  answer(what: Question, make: (detail: string) => string): void;
  /** Tells the others something; the last of each topic is told to those that start later, too. */
  tell(topic: string, value: string): void;
  /** Hears what the others tell, beginning with what they told before. */
  hear(topic: string, listen: (value: string) => void): void;
}
