"""What puts this project itself to the proof: its nets, its speed, its engine under failures."""
