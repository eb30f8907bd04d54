def test_streams_and_logins_work_beside_a_crowd(script):
    done = script("crowd", "--slow", "30", "--streams", "3", "--seconds", "1")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    lines = done.stdout.splitlines()
    counts = {line[:28].strip(): int(line[28:36]) for line in lines[1:5]}
    assert counts["event of a stream, without"] == counts["event of a stream, with 30"] == 60
    assert counts["login, without"] > 0
    assert counts["login, with 30"] > 0
    assert lines[-1] == "connections that the crowd opened: 30"
