"""Agents that balance a pole, land on the moon or find a goal: the training of a DQN or a PPO of Stable-Baselines3."""
