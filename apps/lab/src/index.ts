/** Nothing for other packages: the lab is a command (`main.ts`). */
export {};
