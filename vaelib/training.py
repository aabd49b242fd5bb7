"""Training: a run in the making, alone or stacked with others."""

from __future__ import annotations

from torch import Tensor

from vaelib.diverged import check_finite
from vaelib.machine import Plan
from vaelib.on_device import place
from vaelib.runs import Run
from vaelib.schedules import set_learning_rate
from vaelib.train import TrainConfig, kl_by_latent, start
from vaelib.types import Batch, VAEOutput


class Training:
    """A run that trains: all of a step but its pass, which stacked runs make together."""

    def __init__(self, run: Run, config: TrainConfig, plan: Plan, progress: bool = False):
        run.note_machine(plan)
        self.run, self.config, self.plan = run, config, plan
        self.vae, self.objective, self.sampling, self.state = start(config, plan, progress)
        self.optimizer = self.state.optimizers["vae"]
        self.first = run.checkpoints.restore(self.state)  # step to go on with
        self.data = place(config.data, plan, (config.steps - self.first) * config.batch_size)
        self.log = run.open_log(self.first)
        self.recent: list[Tensor] = []  # losses since the last look; each would make a GPU wait

    def draw(self, step: int) -> Batch:
        """What the pass needs: images, the learning rate, no old gradients."""
        c = self.config
        set_learning_rate(self.optimizer, c.learning_rate * c.schedule.factor(step, c.steps))
        self.optimizer.zero_grad()  # before the pass: CUDA graphs reuse the memory of old gradients
        return self.sampling.draw(self.data, c.batch_size, self.state.rng).to(self.plan.device)

    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        """The model's own step by its gradients, and what follows it."""
        self.optimizer.step()
        self.sampling.observe(out, step)  # first: to learn may turn the latents
        self.objective.learn(batch, out, step)

    def note(
        self, loss: Tensor, terms: dict[str, Tensor], out: VAEOutput, step: int
    ) -> dict[str, float] | None:
        """The row that is logged, when it is time."""
        c, done = self.config, step + 1
        self.recent.append(loss.detach())
        if done % c.log_every and done not in (1, c.steps):
            return None
        check_finite(self.recent, step, self.run)
        extra = self.objective.extra_log(), self.sampling.extra_log()
        return self.log.write(done, loss, terms, kl_by_latent(out), *extra)

    def save(self, step: int) -> None:
        """Keep the state, when it is time."""
        c, done = self.config, step + 1
        if done % c.checkpoint_every == 0 and done < c.steps:
            check_finite(self.recent, step, self.run)
            self.run.checkpoints.save(done, self.state)

    def finish(self) -> None:
        self.sampling.finish(self.run.folder)
        self.run.finish(self.vae, self.objective)
